"""Small and edited studies, cells and statistics for the tests of model and kernel."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from escalation.contracts.tables import Tables
from escalation.contracts.tallies import Tallies
from escalation.model.compile import DEFAULT_GRID, Grid, compile_block, onset_anchor
from escalation.model.draws import Draws, default_draws, draw_parameters
from escalation.simulation.threads import simulate_block
from escalation.study import Study, load_study
from escalation.study.schema import Flashpoint, Structure

CONFIGS = Path(__file__).resolve().parent.parent / "configs"
PACT_DELAY = "asian_nato.decision_delay_days"
"""Parameter that says how quickly the large pact decides."""
NEVER = 1e15
"""Days that outlast every dispute, so that something with this mean time never happens."""


@cache
def shipped_study() -> Study:
    """Return the shipped study."""
    return load_study(CONFIGS / "asian_nato.yaml")


def with_parties(flashpoint: Flashpoint, *names: str) -> Flashpoint:
    """Return a flashpoint that only the named third parties look at."""
    kept = {name: flashpoint.third_parties[name] for name in names}
    return flashpoint.model_copy(update={"third_parties": kept})


def pinned(draws: Draws, **values: ArrayLike) -> Draws:
    """Return draws with parameters set to other values."""
    for name, value in values.items():
        draws = draws.replaced(name, np.broadcast_to(np.asarray(value, float), (draws.n,)))
    return draws


def defaults(**values: ArrayLike) -> Draws:
    """Return one draw at defaults, but for the given parameters."""
    return pinned(default_draws(shipped_study().parameters), **values)


def sampled(n: int, seed: int) -> Draws:
    """Return draws from the priors."""
    return draw_parameters(shipped_study().parameters, n, seed)


def compiled(
    flashpoint: Flashpoint | str = "taiwan_strait",
    structure: Structure | str = "hub_and_spoke",
    draws: Draws | None = None,
    grid: Grid = DEFAULT_GRID,
    study: Study | None = None,
) -> Tables:
    """Compile a block, everything not given as in the shipped study at defaults."""
    study = study or shipped_study()
    draws = draws or default_draws(study.parameters)
    if isinstance(flashpoint, str):
        flashpoint = study.flashpoints[flashpoint]
    if isinstance(structure, str):
        structure = study.structures[structure]
    anchor = onset_anchor(study, flashpoint, draws)
    return compile_block(study, flashpoint, structure, draws, anchor, grid)


def stacked(*blocks: Tables) -> Tables:
    """Join blocks of the same shape into one."""
    return Tables(*(np.concatenate(arrays) for arrays in zip(*blocks, strict=True)))


def chosen(tables: Tables, *cells: int) -> Tables:
    """Return some cells of a block, as a copy."""
    return Tables(*(array[list(cells)] for array in tables))


@cache
def varied_block() -> Tables:
    """Return every structure at Taiwan in three draws from the priors and at defaults."""
    some = sampled(3, seed=5)
    drawn = Draws(some.names, np.hstack([some.values, defaults().values]))
    return stacked(*(compiled("taiwan_strait", s, drawn) for s in shipped_study().structures))


def count(tables: Tables, n: int, seed: int = 1, first: int = 0, **options: int) -> Tallies:
    """Play trajectories of every cell; all cells use the random numbers of draw 0."""
    draws = np.zeros(tables.veto.shape[0], np.int64)
    return simulate_block(tables, seed, draws, first, n, **options)


def one_dispute(tables: Tables, grave: bool = True) -> Tables:
    """Return tables under which every trajectory holds one dispute of the given class.

    Onset is certain in the first month, and a dispute lasts beyond the horizon. Days only
    count time: the chances per round are tables of their own, so they do not change.
    """
    onset = np.zeros_like(tables.onset)
    onset[..., int(grave)] = (1 << 31) - 1
    days = np.full_like(tables.days, 8 * 4000)
    return tables._replace(onset=onset, days=days)


def first_year(study: Study | None = None) -> Study:
    """Return a study with a horizon of one year."""
    return (study or shipped_study()).model_copy(update={"horizon_years": 1})


def same(a: Tallies, b: Tallies) -> bool:
    """Return whether two tallies are equal, byte by byte."""
    return all(x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True))


def p_value(observed: ArrayLike, probability: ArrayLike, least: float = 10.0) -> float:
    """Return Pearson's chi-square p-value; cells expected below `least` are pooled.

    An observation where the probability is zero gives 0.
    """
    from scipy.stats import chi2

    o = np.asarray(observed, float).ravel()
    e = np.asarray(probability, float).ravel() * o.sum()
    if (o[e == 0] > 0).any():
        return 0.0
    rare = e < least
    if rare.any():
        o = np.append(o[~rare], o[rare].sum())
        e = np.append(e[~rare], e[rare].sum())
    o, e = o[e > 0], e[e > 0]
    return float(chi2.sf(((o - e) ** 2 / e).sum(), max(len(o) - 1, 1)))
