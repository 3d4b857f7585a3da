"""Where a run takes its parameters from: a posterior, where it speaks for them, else priors.

Draw ``j`` takes row ``perm[j mod N]`` of the ``N`` rows of the posterior, whole, so that
correlations between parameters are kept; ``perm`` is a permutation that the seed fixes. All
other parameters are drawn from their priors, at the same points as without a posterior. So
more draws extend fewer, where the study's design does.

A rank correlation that the study states holds between two parameters that are both drawn from
their priors. One with a parameter that the posterior covers is overruled: the joint draws of the
posterior know better how that parameter goes with those it was fitted with, and say nothing
about the others. The results list both kinds as attributes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from escalation.errors import InputError
from escalation.model.draws import Draws, default_draws, draw_parameters
from escalation.parameters.posterior import (
    Posterior,
    coverage,
    load_posterior,
    shipped_posterior,
)
from escalation.parameters.registry import Parameter
from escalation.study.schema import Correlation, Study


def chosen_posterior(
    study: Study,
    prior: bool = False,
    posterior: Posterior | str | os.PathLike[str] | None = None,
) -> Posterior | None:
    """Return the posterior that a run shall use, None for priors only.

    Parameters
    ----------
    study : Study
        That is to be run.
    prior : bool
        Use priors only.
    posterior : Posterior or path, optional
        Use this one; the one that comes with the package, if any, when None.

    Raises
    ------
    InputError
        Both are asked for, the file cannot be used, or the posterior that was named speaks
        for no parameter of the study.
    """
    if prior and posterior is not None:
        raise InputError("prior and posterior exclude each other: choose one")
    if prior:
        return None
    if posterior is None:
        return shipped_posterior()
    found = posterior if isinstance(posterior, Posterior) else load_posterior(posterior)
    if not coverage(study.parameters, found).covered:
        raise InputError(
            f"posterior: {found.title!r} speaks for no parameter of study {study.name}: "
            "the study has none of them, or other priors or defaults for all"
        )
    return found


def parameter_draws(study: Study, n: int, seed: int, posterior: Posterior | None) -> Draws:
    """Draw every parameter of a study `n` times.

    Parameters
    ----------
    study : Study
        Whose parameters.
    n, seed : int
        Number of draws, and seed, 0 to 2**64 - 1.
    posterior : Posterior, optional
        Joint draws of the parameters that it covers; all come from priors when None.

    Raises
    ------
    InputError
        If the study was put together in Python with correlations that cannot be.
    """
    correlations, _ = correlations_at_work(study, posterior)
    draws = draw_parameters(study.parameters, n, seed, study.plan.design, correlations)
    if posterior is None:
        return draws
    order = np.random.default_rng([seed, 2]).permutation(posterior.n)
    rows = order[np.arange(n) % posterior.n]
    for name in coverage(study.parameters, posterior).covered:
        draws = draws.replaced(name, _bounded(study.parameters[name], posterior)[rows])
    return draws


def correlations_at_work(
    study: Study, posterior: Posterior | None
) -> tuple[tuple[Correlation, ...], tuple[Correlation, ...]]:
    """Return the study's correlations that hold, and those that the posterior overrules."""
    covered = set(coverage(study.parameters, posterior).covered)
    hold = tuple(one for one in study.correlations if not covered.intersection(one.between))
    return hold, tuple(one for one in study.correlations if one not in hold)


def centre_draws(study: Study, posterior: Posterior | None) -> Draws:
    """Return one draw: medians of the posterior where it covers a parameter, else defaults."""
    draws = default_draws(study.parameters)
    for name in coverage(study.parameters, posterior).covered:
        middle = parameter_quantiles(study.parameters[name], posterior, (0.5,))
        draws = draws.replaced(name, middle)
    return draws


def sweep_points(
    study: Study, names: Sequence[str], levels: Sequence[float], posterior: Posterior | None
) -> np.ndarray:
    """Return quantiles of parameters, shape (name, level): of the posterior where it covers one."""
    covered = coverage(study.parameters, posterior).covered
    return np.array([
        parameter_quantiles(study.parameters[name], posterior if name in covered else None, levels)
        for name in names
    ])  # fmt: skip


def parameter_quantiles(
    parameter: Parameter, posterior: Posterior | None, levels: Sequence[float]
) -> np.ndarray:
    """Return quantiles of a parameter in the posterior, or in its prior when None."""
    if posterior is None:
        return parameter.quantile(np.array(levels))
    return np.quantile(_bounded(parameter, posterior), levels)


def source_attrs(study: Study, posterior: Posterior | None) -> dict[str, object]:
    """Return the attributes of the results that say how and from where parameters are drawn."""
    hold, overruled = correlations_at_work(study, posterior)
    return _posterior_attrs(study, posterior) | {
        "design": study.plan.design,
        "correlations": [one.model_dump(mode="json") for one in hold],
        "correlations_overruled": [one.model_dump(mode="json") for one in overruled],
    }


def _posterior_attrs(study: Study, posterior: Posterior | None) -> dict[str, object]:
    if posterior is None:
        return {"parameter_source": "prior"}
    found = coverage(study.parameters, posterior)
    if not found.covered:
        return {"parameter_source": "prior", "posterior_overridden": list(found.overridden)}
    return {
        "parameter_source": "posterior",
        "posterior_title": posterior.title,
        "posterior_sha256": posterior.sha256,
        "posterior_names": list(found.covered),
        "posterior_overridden": list(found.overridden),
    }


def _bounded(parameter: Parameter, posterior: Posterior) -> np.ndarray:
    return np.clip(posterior[parameter.name], parameter.low, parameter.high)
