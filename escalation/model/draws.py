r"""Parameter draws: the points of a design through the priors' quantile functions.

Two designs cover the unit cube of :math:`d` parameters more evenly than chance would:

``sobol``
    A Sobol sequence with scrambled digits (Matousek 1998, Journal of Complexity 14: 527-556).
    The first J points do not depend on how many are asked for, so a run with more draws extends
    a run with fewer. In some hundred dimensions a few pairs of columns look correlated until
    there are some hundred points.
``latin_hypercube``
    A Latin hypercube (McKay, Beckman and Conover 1979, Technometrics 21: 239-245). Of J draws
    each parameter has exactly one in each of the J strata that are equally likely in its
    prior. The strata depend on J, so more draws do not extend fewer: they are all new.

The seed fixes either. Where a study states rank correlations, :mod:`escalation.statistics.copula`
correlates the points before they meet the quantile functions.
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


def bounded_quantile(parameter: Parameter, u: np.ndarray) -> np.ndarray:
    """Return quantiles of a parameter's prior, clipped to its bounds; a fixed one's default.

    Raises
    ------
    InputError
        If a quantile is not a number, as with a beta prior of extreme shape.
    """
    u = np.asarray(u, float)
    if isinstance(parameter.prior, Fixed):
        values = np.full_like(u, parameter.default)
    else:
        with np.errstate(over="ignore"):  # a wide prior may overflow on its way to the bounds
            values = parameter.prior.quantile(u)
    if np.isnan(values).any():
        raise InputError(
            f"parameter {parameter.name}: its prior {parameter.prior.describe()} has no quantile "
            f"at {u[np.isnan(values)].flat[0]:g}"
        )
    return np.clip(values, parameter.low, parameter.high)


def draw_parameters(
    parameters: Mapping[str, Parameter],
    n: int,
    seed: int,
    design: Design = "sobol",
    correlations: Sequence[Correlation] = (),
) -> Draws:
    """Draw every parameter `n` times from its prior.

    Parameters that one decision rule alone reads come from points of their own, so that
    another rule does not move the draws of all the others. They take the columns of the design
    that follow those of the shared parameters and of the rules before. Correlations may cross
    that line.

    Parameters
    ----------
    parameters : mapping of str to Parameter
        The study's registry.
    n : int
        Number of draws.
    seed : int
        Seed, 0 to 2**64 - 1.
    design : {"sobol", "latin_hypercube"}
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
    column: dict[str, np.ndarray] = {}
    for rule in dict.fromkeys(["", *(p.rule for p in parameters.values())]):
        free = [
            p for p in parameters.values() if p.rule == rule and not isinstance(p.prior, Fixed)
        ]
        points = _points(design, len(column), len(free), n, [seed, 1, *rule.encode()])
        column |= {parameter.name: points[:, k] for k, parameter in enumerate(free)}
    pairs = rank_correlations(correlations)
    column = correlated(column, pairs, keep_values=design == "latin_hypercube")
    half = np.full(n, 0.5)
    values = [
        bounded_quantile(p, _inside(column.get(p.name, half))) for p in parameters.values()
    ]
    return Draws(tuple(parameters), np.array(values).reshape(len(parameters), n))


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
