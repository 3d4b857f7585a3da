"""Where a run takes its parameters from: a posterior, where it speaks for them, else priors.

Draw ``j`` takes row ``perm[j mod N]`` of the ``N`` rows of the posterior, whole, so that
correlations between parameters are kept; ``perm`` is a permutation that the seed fixes. All
other parameters are drawn from their priors, at the same points as without a posterior. So
more draws extend fewer, where the study's design does.

A rank correlation that the study states holds between two parameters that are both drawn from
their priors. One with a parameter that the posterior covers is overruled: the joint draws of the
posterior know better how that parameter goes with those it was fitted with, and say nothing
about the others. So is one with a parameter that the run pins to a number. The results list both
kinds as attributes.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from numbers import Real
from typing import TypeAlias

import numpy as np

from escalation.errors import InputError
from escalation.model.draws import Draws, default_draws, draw_parameters
from escalation.parameters.posterior import (
    Coverage,
    Posterior,
    coverage,
    load_posterior,
    shipped_posterior,
)
from escalation.parameters.priors import Fixed
from escalation.parameters.registry import Parameter
from escalation.study.names import shown, suggestion
from escalation.study.schema import Correlation, Study


@dataclass(frozen=True)
class Companion:
    """A smaller run beside the study's own, at the same random numbers.

    Attributes
    ----------
    premise : str
        Whose priors; the study's own, or one of its premises.
    prior : bool
        Whether every parameter comes from its prior.
    """

    premise: str
    prior: bool = False

    @property
    def label(self) -> str:
        """Name of the part of the run."""
        return f"{self.premise}, prior" if self.prior else self.premise


@dataclass(frozen=True)
class Source:
    """Where the parameters of a study come from.

    Attributes
    ----------
    study : Study
        Whose parameters; with those that are pinned at their numbers.
    posterior : Posterior, optional
        Joint draws of the parameters that it covers; all come from priors when None.
    pinned : dict of str to float
        Parameters that the run sets to a number.
    """

    study: Study
    posterior: Posterior | None = None
    pinned: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        study: Study,
        source: AnySource = None,
        parameters: Mapping[str, float] | None = None,
    ) -> Source:
        """Return the source that a run shall use.

        Parameters
        ----------
        study : Study
            That is to be run.
        source : Posterior, path, "prior" or Source, optional
            The posterior that comes with the package, if any, when None; priors only when
            "prior".
        parameters : mapping of str to float, optional
            Parameters to pin to a number.

        Raises
        ------
        InputError
            The posterior cannot be used, or speaks for no parameter of the study though it was
            named; a parameter is unknown or its number out of bounds.

        Examples
        --------
        >>> from escalation.study import load_study
        >>> study = load_study("configs/asian_nato.yaml")
        >>> Source.of(study, "prior", {"forced_choice": 1.5}).draws(2, seed=1)["forced_choice"]
        array([1.5, 1.5])
        """
        if isinstance(source, Source):
            pins = {**source.pinned, **(parameters or {})}
            return cls(_pinned(study, pins), source.posterior, pins)
        pins = dict(parameters or {})
        study = _pinned(study, pins)
        if source is None:
            return cls(study, shipped_posterior(), pins)
        if isinstance(source, str) and source == "prior":
            return cls(study, None, pins)
        posterior = source if isinstance(source, Posterior) else load_posterior(source)
        found = cls(study, posterior, pins)
        if not found.covered:
            raise InputError(
                f"posterior: {posterior.title!r} speaks for no parameter of study {study.name}: "
                "the study has none of them, or other priors or defaults for all"
            )
        return found

    @cached_property
    def coverage(self) -> Coverage:
        """For which parameters the posterior speaks, and which the study overrides."""
        return coverage(self.study.parameters, self.posterior)

    @property
    def covered(self) -> tuple[str, ...]:
        """Parameters that are taken from the posterior."""
        return self.coverage.covered

    def under(self, companion: Companion) -> Source:
        """Return the source of the same study for a companion of its run."""
        study = self.study.under(companion.premise)
        if self.pinned and study is not self.study:
            study = _pinned(study, self.pinned)
        return Source(study, None if companion.prior else self.posterior, self.pinned)

    @property
    def companions(self) -> tuple[Companion, ...]:
        """What a run from this source is accompanied by.

        Its own priors where a posterior speaks for some of its parameters, and every premise, with
        and without the posterior.
        """
        found = []
        for premise in (self.study.premise, *self.study.premises):
            for prior in (False, True):
                companion = Companion(premise, prior)
                itself = premise == self.study.premise and not prior
                if not itself and (not prior or self.under(Companion(premise)).covered):
                    found.append(companion)
        return tuple(found)

    def draws(self, n: int, seed: int) -> Draws:
        """Draw every parameter `n` times; the seed is 0 to 2**64 - 1.

        Raises
        ------
        InputError
            If the study was put together in Python with correlations that cannot be.
        """
        study = self.study
        draws = draw_parameters(study.parameters, n, seed, study.plan.design, self.correlations[0])
        if self.posterior is None:
            return draws
        order = np.random.default_rng([seed, 2]).permutation(self.posterior.n)
        rows = order[np.arange(n) % self.posterior.n]
        for name in self.covered:
            values = _bounded(study.parameters[name], self.posterior)
            draws = draws.replaced(name, values[rows])
        return draws

    @property
    def correlations(self) -> tuple[tuple[Correlation, ...], tuple[Correlation, ...]]:
        """The study's correlations that hold, and those that are overruled."""
        known = {*self.covered, *self.pinned}
        hold = tuple(c for c in self.study.correlations if not known.intersection(c.between))
        return hold, tuple(c for c in self.study.correlations if c not in hold)

    def centre(self) -> Draws:
        """Return one draw: medians of the posterior where it covers a parameter, else defaults."""
        draws = default_draws(self.study.parameters)
        for name in self.covered:
            middle = parameter_quantiles(self.study.parameters[name], self.posterior, (0.5,))
            draws = draws.replaced(name, middle)
        return draws

    def points(self, names: Sequence[str], levels: Sequence[float]) -> np.ndarray:
        """Return quantiles of parameters, shape (name, level); of the posterior where it may."""
        return np.array([
            parameter_quantiles(
                self.study.parameters[name], self.posterior if name in self.covered else None,
                levels,
            )
            for name in names
        ])  # fmt: skip

    def attrs(self) -> dict[str, object]:
        """Return the attributes of results that say how and from where parameters are drawn."""
        hold, overruled = self.correlations
        found: dict[str, object] = {
            "parameter_source": "posterior" if self.covered else "prior",
            "design": self.study.plan.design,
            "correlations": [one.model_dump(mode="json") for one in hold],
            "correlations_overruled": [one.model_dump(mode="json") for one in overruled],
        }
        if self.posterior is not None:
            found["posterior_overridden"] = list(self.coverage.overridden)
            if self.covered:
                found["posterior_title"] = self.posterior.title
                found["posterior_sha256"] = self.posterior.sha256
                found["posterior_names"] = list(self.covered)
        if self.pinned:
            found["pinned"] = dict(self.pinned)
        return found


AnySource: TypeAlias = "Source | Posterior | str | os.PathLike[str] | None"


def parameter_quantiles(
    parameter: Parameter, posterior: Posterior | None, levels: Sequence[float]
) -> np.ndarray:
    """Return quantiles of a parameter in the posterior, or in its prior when None."""
    if posterior is None:
        return parameter.quantile(np.array(levels))
    return np.quantile(_bounded(parameter, posterior), levels)


def _pinned(study: Study, pins: Mapping[str, float]) -> Study:
    """Return the study with parameters fixed at a number."""
    if not pins:
        return study
    entries = dict(study.parameters)
    for name, number in pins.items():
        if name not in entries:
            raise InputError(f"parameters: unknown name {shown(name)} {suggestion(name, entries)}")
        low, high = entries[name].low, entries[name].high
        real = isinstance(number, Real) and not isinstance(number, bool) and math.isfinite(number)
        if not real or not low <= number <= high:
            raise InputError(f"parameters: {name}: {shown(number)} is not a number from {low:g} "
                             f"to {high:g}")
        entries[name] = replace(entries[name], prior=Fixed(), default=float(number))
    changed = study.model_copy(update={"parameters": entries})
    # The text does not name the numbers; whoever reads it finds them beside it, as `pinned`.
    return changed.with_text(study.text) if study.as_read else changed


def _bounded(parameter: Parameter, posterior: Posterior) -> np.ndarray:
    return np.clip(posterior[parameter.name], parameter.low, parameter.high)
