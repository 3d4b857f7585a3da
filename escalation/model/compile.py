r"""Compile: one block of cells from floating point to integer tables.

This is the last place where a probability is a fraction; what leaves it has passed
:mod:`escalation.model.gate`. Beliefs before the first crisis use
the equal-probability classes of a normal error.

The loss of base access turns up as a loss of the great power's participation: without
the host's bases it is worth :math:`1 - \ell` of itself, with

.. math:: \ell = \frac{p(K + k_{us}(1-\alpha)) - p(K + k_{us})}{p(K) - p(K + k_{us})}

at the rest power K expected under the structure's first beliefs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from escalation.contracts import tables as formats
from escalation.contracts.codes import DECISION_RULES, WAR
from escalation.contracts.tables import (
    INVALID,
    LARGEST,
    ONE15,
    ONE16,
    ONE18,
    ONE30,
    Tables,
    empty_tables,
)
from escalation.errors import InputError
from escalation.model.alliance import Values
from escalation.model.choices import ROOM
from escalation.model.decisions import PERCEIVED, fill_decisions
from escalation.model.draws import Draws
from escalation.model.gate import blame, first_fault
from escalation.model.inputs import Inputs, build_inputs
from escalation.model.rounds import Rounds, build_rounds, within
from escalation.model.rules import decision_rule
from escalation.parameters.registry import REGISTRY
from escalation.study.schema import Flashpoint, Structure, Study


@dataclass(frozen=True)
class Grid:
    """Resolution of the tables and of time.

    Attributes
    ----------
    n_power, n_us : int
        Points on the grids of rest power and of the great power's participation.
    round_scale : float
        Factor on the length of every round.
    """

    n_power: int = 16
    n_us: int = 17
    round_scale: float = 1.0


DEFAULT_GRID = Grid()
DEFAULT_RULE = DECISION_RULES[0]


def compile_block(
    study: Study,
    flashpoint: Flashpoint,
    structure: Structure,
    draws: Draws,
    anchor: np.ndarray,
    grid: Grid = DEFAULT_GRID,
    rule: str = DEFAULT_RULE,
    first: int = 0,
) -> Tables:
    """Compile one flashpoint under one structure, one cell per draw.

    Parameters
    ----------
    study, flashpoint, structure
        What to compile.
    draws : Draws
        Parameter draws; cell j of the result holds draw j.
    anchor : float array, shape (draw, 2)
        From :func:`onset_anchor`, the same for all structures of a flashpoint, and under the
        same rule.
    grid : Grid
        Resolution.
    rule : str
        Decision rule, see :mod:`escalation.model.rules`.
    first : int
        Number of the first draw, for messages.

    Returns
    -------
    Tables
        Block of ``draws.n`` cells.

    Raises
    ------
    InputError
        There is no such rule, or a number is not finite or does not fit its table.
    """
    filled = _filled(study, flashpoint, structure, draws, anchor, grid, rule)
    found = first_fault(draws, anchor, *filled)
    if found is not None:
        draw = draws.taken(found.cell)
        # A study's own defaults may be what is at fault.
        usual = {name: entry.default for name, entry in (study.parameters | REGISTRY).items()}

        def mends(name: str) -> bool:
            other = draw.replaced(name, np.array([usual[name]]))
            reference = onset_anchor(study, flashpoint, other, rule)
            again = _filled(study, flashpoint, structure, other, reference, grid, rule)
            return first_fault(other, reference, *again) is None

        where = f"{flashpoint.name} under {structure.name}, draw {first + found.cell}"
        raise InputError(f"{where}: {found.what}; {blame(usual, draw, mends)}")
    return filled[2]


def _filled(
    study: Study,
    flashpoint: Flashpoint,
    structure: Structure,
    draws: Draws,
    anchor: np.ndarray,
    grid: Grid,
    rule: str,
) -> tuple[Inputs, Rounds, Tables]:
    """Return the numbers of a block and the tables made of them, not looked at yet."""
    read = Values(draws)
    # Whatever overflows is found at the gate, which can say where it came from.
    with np.errstate(all="ignore"):
        x = build_inputs(study, flashpoint, structure, draws)
        rounds = build_rounds(
            draws,
            read.of(flashpoint.grey_zone_incidents),
            any(pact.nuclear_sharing for pact in structure.pacts),
            grid.round_scale,
        )
        n_parties = x.power.shape[1]
        tables = empty_tables(draws.n, n_parties, study.horizon_years, grid.n_power, grid.n_us)
        fill_tables(tables, x, rounds, draws, anchor, read.of(flashpoint.onset_rate), rule)
    return x, rounds, tables


def fill_tables(
    tables: Tables,
    x: Inputs,
    rounds: Rounds,
    draws: Draws,
    anchor: np.ndarray,
    onset: np.ndarray,
    rule: str = DEFAULT_RULE,
) -> None:
    """Turn the numbers of a block into its integer tables.

    Parameters
    ----------
    tables : Tables
        Empty tables of the block.
    x, rounds, draws
        Numbers of each cell; one draw per cell.
    anchor : float array, shape (cell, 2)
        From :func:`onset_anchor`.
    onset : float array, shape (cell,)
        Disputes per year.
    rule : str
        Decision rule.
    """
    span = np.maximum(x.rest_power.sum(axis=1), 1e-9)
    decision_rule(rule).fill_choices(
        x, anchor, span, tables.challenger, tables.defender, tables.brink, tables.onset
    )
    tables.opening[:] = _fixed(np.cumsum(x.opening[:, :, :0:-1], axis=2), ONE16)
    _fill_rounds(tables, rounds)
    _fill_victory(tables, x)
    _fill_parties(tables, x, rounds.days, span)
    fill_decisions(x, tables.decision, tables.unbound, tables.outlook)
    _fill_scalars(tables, x, draws, onset)


def onset_anchor(
    study: Study, flashpoint: Flashpoint, draws: Draws, rule: str = DEFAULT_RULE
) -> np.ndarray:
    """Return the log of onset's mean response under the reference structure, shape (draw, 2)."""
    with np.errstate(all="ignore"):
        return _anchor(study, flashpoint, draws, rule)


def _anchor(study: Study, flashpoint: Flashpoint, draws: Draws, rule: str) -> np.ndarray:
    x = build_inputs(study, flashpoint, study.structures[study.reference], draws)
    chance = _first_chance(x)
    rest = x.defender_power + (x.rest_power * chance.mean(axis=2)).sum(axis=1)
    if x.great_power >= 0:
        participation = chance[:, x.great_power] * (1.0 - _missing_access(x, chance))[:, None]
    else:
        participation = np.zeros((draws.n, 1))
    anchor = np.zeros((draws.n, 2))
    decision_rule(rule).mean_opening(
        x, rest, np.ascontiguousarray(participation), anchor, np.zeros(ROOM, np.int32)
    )
    return anchor


def _logistic(x: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-x))


def normal_classes(n: int) -> np.ndarray:
    """Return the midpoints of `n` equally likely classes of a standard normal."""
    from scipy.special import ndtri

    return ndtri((np.arange(n) + 0.5) / n)


def _first_chance(x: Inputs, n_errors: int = 8) -> np.ndarray:
    """Return perceived chances to fight at first beliefs, shape (draw, party, error)."""
    wavering, staunch = _type_chances(x, x.joining[:, PERCEIVED, 0, WAR, 0])
    error = x.misperception[:, None] * normal_classes(n_errors)
    trust = _logistic(x.staunch_logit[:, :, None] + error[:, None])
    mixed = wavering[:, :, None] + trust * (staunch - wavering)[:, :, None]
    return mixed * x.discount[:, formats.IN_PACT, :, None]


def _type_chances(x: Inputs, log_odds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    gap = x.type_gap.reshape(-1, *(1,) * (log_odds.ndim - 1))
    return _logistic(log_odds - gap), _logistic(log_odds + gap)


def _win(x: Inputs, power: np.ndarray) -> np.ndarray:
    shape = (-1, *(1,) * (power.ndim - 1))
    ratio = x.defender_multiplier.reshape(shape) * power
    return 1.0 / (1.0 + ratio ** x.contest_exponent.reshape(shape))


def _access_loss(x: Inputs) -> np.ndarray:
    """Return the share of the great power's participation that is lost without the host's bases."""
    if x.great_power < 0 or x.host < 0:
        return np.zeros_like(x.us_power)
    rest = x.defender_power + (x.rest_power * _first_chance(x).mean(axis=2)).sum(axis=1)
    with_us = _win(x, rest + x.us_power)
    drop = _win(x, rest) - with_us
    without = _win(x, rest + x.us_power * (1.0 - x.access_share)) - with_us
    return np.divide(without, drop, out=np.zeros_like(drop), where=drop > 0)


def _missing_access(x: Inputs, chance: np.ndarray) -> np.ndarray:
    if x.host < 0:
        return np.zeros_like(x.us_power)
    return _access_loss(x) * (1.0 - chance[:, x.host].mean(axis=1))


def _fixed(values: np.ndarray, one: int) -> np.ndarray:
    """Round to a fixed-point number of the given unit; what does not fit becomes invalid."""
    scaled = np.round(np.asarray(values, float) * one)
    return np.where(np.abs(scaled) <= LARGEST, scaled, INVALID).astype(np.int64)


def _fill_rounds(tables: Tables, rounds: Rounds) -> None:
    """Fill what happens by chance in a round."""
    tables.days[:] = _fixed(rounds.days, 8)
    tables.incident[:] = _fixed(rounds.incident, ONE30)
    frailty = np.exp(rounds.frailty[:, None] * normal_classes(formats.N_FRAILTIES))
    rate = np.repeat(rounds.settlement[:, None], formats.N_FRAILTIES, axis=1)
    rate[:, :, :WAR] *= frailty[:, :, None]
    tables.ending[:] = _fixed(within(rate, rounds.days[:, None]), ONE30)
    tables.revision[:] = _fixed(rounds.revision, ONE18)
    tables.spiral[:] = _fixed(rounds.spiral, ONE30)


def _fill_victory(tables: Tables, x: Inputs) -> None:
    """Fill the challenger's chance to win against each power between none and all."""
    total = np.maximum(x.power.sum(axis=1), 1e-9)
    steps = np.linspace(0.0, 1.0, formats.N_VICTORY)
    power = x.defender_power[:, None] + total[:, None] * steps
    tables.victory[:] = _fixed(_win(x, power), ONE30)
    scale = (formats.N_VICTORY - 1) / total[:, None] * ONE16
    tables.true_power[:] = _fixed(x.power * scale, 1)
    tables.share[:] = _fixed(x.power / total[:, None], ONE16)
    if x.great_power >= 0:
        left = x.us_power * (1.0 - x.access_share) * scale[:, 0]
        tables.scalar[:, formats.SCALAR_POWER_WITHOUT_HOST] = _fixed(left, 1)


def _fill_parties(tables: Tables, x: Inputs, days: np.ndarray, span: np.ndarray) -> None:
    """Fill what belongs to each third party."""
    n_power = tables.brink.shape[2]
    tables.resolve[:] = _fixed(
        within(1.0 / x.delay_days[:, :, None], days[:, None, :, None]), ONE16
    )
    tables.veto[:] = _fixed(x.veto, ONE16)
    tables.exits[:] = _fixed(within(x.exit_rate, np.ones(1)), ONE16)
    tables.bound[:] = x.bindingness >= 0.5
    tables.staunch[:] = _fixed(_logistic(x.staunch_logit), ONE30)
    tables.belief_start[:] = _fixed(x.staunch_logit, ONE16)
    errors = x.misperception[:, None] * normal_classes(formats.N_ERRORS)
    tables.belief_error[:] = _fixed(errors, ONE16)
    tables.grid_power[:] = _fixed(
        np.floor(x.rest_power / span[:, None] * (n_power - 1) * ONE16), 1
    )


def _fill_scalars(tables: Tables, x: Inputs, draws: Draws, onset: np.ndarray) -> None:
    """Fill the single numbers."""
    keep = np.exp(-1.0 / (12.0 * draws["tension_decay_years"]))
    branching = draws["aftershock_branching"]
    # The jump that makes one dispute beget `branching` more at today's rate.
    jump = branching / ((1.0 - branching) * onset / 12.0 / (1.0 - keep))
    scalar = tables.scalar
    scalar[:, formats.SCALAR_DOUBLE_STEP] = _fixed(draws["double_step"], ONE30)
    scalar[:, formats.SCALAR_AUTHORISATION] = _fixed(draws["nuclear_authorisation"], ONE30)
    scalar[:, formats.SCALAR_WEDGE] = _fixed(draws["wedge_probability"], ONE16)
    scalar[:, formats.SCALAR_TURNOVER] = _fixed(-np.expm1(-draws["turnover"]), ONE16)
    scalar[:, formats.SCALAR_TENSION_JUMP] = _fixed(np.minimum(jump, 32.0), ONE15)
    scalar[:, formats.SCALAR_TENSION_KEEP] = _fixed(keep, ONE15)
    scalar[:, formats.SCALAR_REPUTATION] = _fixed(draws["reputation"], ONE16)
    scalar[:, formats.SCALAR_GREAT_POWER] = x.great_power
    scalar[:, formats.SCALAR_HOST] = x.host
    scalar[:, formats.SCALAR_ACCESS_LOSS] = _fixed(_access_loss(x), ONE15)
    scalar[:, formats.SCALAR_SOME] = _fixed(draws["chain_share_some"], ONE16)
    scalar[:, formats.SCALAR_MOST] = _fixed(draws["chain_share_most"], ONE16)
