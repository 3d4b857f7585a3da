r"""Parameter draws: the points of a design through the priors' quantile functions.

Three designs cover the unit cube of :math:`d` parameters more evenly than chance would:

``nested_hypercube``
    A Latin hypercube at every power of two, of which more draws extend fewer
    (:mod:`escalation.statistics.hypercube`). Its points belong to the seed and to the parameter's
    name, so that another parameter in the study moves no other. Pairs of parameters are covered as
    evenly as by a Latin hypercube, however many there are.
``sobol``
    A Sobol sequence with scrambled digits (Matousek 1998, Journal of Complexity 14: 527-556).
    The first J points do not depend on how many are asked for, so a run with more draws extends
    a run with fewer. In some hundred dimensions many pairs of columns leave out large parts of
    their square until there are some thousand points.
``latin_hypercube``
    A Latin hypercube (McKay, Beckman and Conover 1979, Technometrics 21: 239-245). Of J draws
    each parameter has exactly one in each of the J strata that are equally likely in its
    prior. The strata depend on J, so more draws do not extend fewer: they are all new.

The seed fixes all of them. Where a study states rank correlations,
:mod:`escalation.statistics.copula` correlates the points before they meet the quantile functions.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from escalation.errors import InputError
from escalation.parameters.priors import Fixed
from escalation.parameters.registry import Parameter
from escalation.statistics.copula import correlated
from escalation.statistics.hypercube import nested_hypercube
from escalation.study.correlations import Correlation, impossible, rank_correlations
from escalation.study.names import shown, suggestion
from escalation.study.schema import DESIGNS, Design

_EDGE = 2.0**-40
"""How near to 0 and 1 a point may come: there an unbounded prior has no quantile."""


@dataclass(frozen=True)
class Draws:
    """Values of every parameter in every draw.

    Attributes
    ----------
    names : tuple of str
        Parameters, in registry order.
    values : float array, shape (parameter, draw)
        Their values, in each parameter's unit.
    """

    names: tuple[str, ...]
    values: np.ndarray

    def __getitem__(self, name: str) -> np.ndarray:
        return self.values[self.names.index(name)]

    @property
    def n(self) -> int:
        """Number of draws."""
        return int(self.values.shape[1])

    def replaced(self, name: str, values: np.ndarray) -> Draws:
        """Return draws with one parameter set to other values, shape (draw,)."""
        changed = self.values.copy()
        changed[self.names.index(name)] = values
        return Draws(self.names, changed)

    def taken(self, draw: int) -> Draws:
        """Return one of the draws."""
        return Draws(self.names, self.values[:, [draw]])

    def repeated(self, n: int) -> Draws:
        """Return a single draw repeated `n` times."""
        return Draws(self.names, np.repeat(self.values[:, :1], n, axis=1))


def draw_parameters(
    parameters: Mapping[str, Parameter],
    n: int,
    seed: int,
    design: Design = "nested_hypercube",
    correlations: Sequence[Correlation] = (),
) -> Draws:
    """Draw every parameter `n` times from its prior.

    Parameters that one decision rule alone reads come from points of their own, so that
    another rule does not move the draws of all the others. In a Sobol sequence or a Latin
    hypercube they take the columns that follow those of the shared parameters and of the rules
    before. Correlations may cross that line.

    Parameters
    ----------
    parameters : mapping of str to Parameter
        The study's registry.
    n : int
        Number of draws.
    seed : int
        Seed, 0 to 2**64 - 1.
    design : {"nested_hypercube", "sobol", "latin_hypercube"}
        Which points.
    correlations : sequence of Correlation
        Rank correlations between parameters that are not fixed.

    Raises
    ------
    InputError
        If there is no such design, or the correlations cannot be.
    """
    for _, fault in impossible(correlations, parameters):
        raise InputError(f"correlations: {fault}")
    column = _columns(parameters, n, seed, design)
    pairs = rank_correlations(correlations)
    column = correlated(column, pairs, keep_values=design == "latin_hypercube")
    half = np.full(n, 0.5)
    values = [
        p.quantile(_inside(column.get(p.name, half))) for p in parameters.values()
    ]
    return Draws(tuple(parameters), np.array(values).reshape(len(parameters), n))


def _columns(
    parameters: Mapping[str, Parameter], n: int, seed: int, design: str
) -> dict[str, np.ndarray]:
    """Return the points of every parameter that varies, those that every rule reads first."""
    column: dict[str, np.ndarray] = {}
    for rule in dict.fromkeys(["", *(p.rule for p in parameters.values())]):
        free = [
            p for p in parameters.values() if p.rule == rule and not isinstance(p.prior, Fixed)
        ]
        if design == "nested_hypercube":
            column |= {p.name: _nested(p.name, n, seed) for p in free}
            continue
        points = _points(design, len(column), len(free), n, [seed, 1, *rule.encode()])
        column |= {parameter.name: points[:, k] for k, parameter in enumerate(free)}
    return column


def _nested(name: str, n: int, seed: int) -> np.ndarray:
    """Return the points of one parameter, which belong to its name."""
    return _inside(nested_hypercube(n, np.random.default_rng([seed, 3, *name.encode()])))


def _points(design: str, skipped: int, dims: int, n: int, key: list[int]) -> np.ndarray:
    """Return `n` points of a design, without its first columns, shape (n, dims)."""
    from scipy.stats import qmc

    if design not in DESIGNS:
        choices = suggestion(str(design), DESIGNS)
        raise InputError(f"design: unknown design {shown(design)} {choices}")
    sampler = qmc.Sobol if design == "sobol" else qmc.LatinHypercube
    # Scrambling keeps the first digits' pattern of a Sobol column, so that the same column
    # scrambled twice is far from independent: no two parameters may have the same one.
    points = sampler(max(skipped + dims, 1), scramble=True, rng=np.random.default_rng(key))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The balance properties of Sobol")
        return _inside(points.random(n)[:, skipped : skipped + dims])


def _inside(points: np.ndarray) -> np.ndarray:
    return np.clip(points, _EDGE, 1.0 - _EDGE)


def default_draws(parameters: Mapping[str, Parameter]) -> Draws:
    """Return one draw with every parameter at its default."""
    return Draws(tuple(parameters), np.array([[p.default] for p in parameters.values()]))
