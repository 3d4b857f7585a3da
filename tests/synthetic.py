"""A made-up but consistent results dataset, for tests that need one without a kernel.

Every history is played by a few lines of numpy with made-up chances, and the counts are
taken from those histories; so all sums between the variables hold as they would in a run.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from escalation.contracts import codes
from escalation.results.variables import COMPANION_COUNTS

FLASHPOINTS = (
    "taiwan_strait",
    "taiwan_outlying_islands",
    "second_thomas_shoal",
    "scarborough_shoal",
    "spratlys_vietnam",
)
STRUCTURES = (
    "us_retrenchment",
    "hub_and_spoke",
    "quad",
    "trilateral",
    "minilateral_lattice",
    "asian_nato",
    "asian_nato_with_india",
    "asian_nato_nuclear_sharing",
)
ACTORS = (
    "china",
    "taiwan",
    "united_states",
    "japan",
    "south_korea",
    "philippines",
    "australia",
    "india",
    "vietnam",
    "thailand",
    "cambodia",
)
DEFENDERS = ("taiwan", "taiwan", "philippines", "philippines", "vietnam")
SWEEPS = ("provocation_stake", "provocation_onset", "forced_choice")
REFERENCE = "hub_and_spoke"

POSTERIOR_ATTRS = {
    "parameter_source": "posterior",
    "posterior_title": "posterior of 12 disputes",
    "posterior_sha256": "ab" * 32,
    "posterior_names": [SWEEPS[0]],
    "posterior_overridden": [],
}

_ONSET = np.array([0.4, 0.3, 0.25, 0.25, 0.2])
_WAR = np.array([0.16, 0.06, 0.015, 0.01, 0.012])
_SAFETY = np.array([1.5, 1.0, 0.98, 0.95, 0.85, 0.98, 1.02, 0.96])
_US_FIGHTS = np.array([0.2, 0.64, 0.65, 0.66, 0.7, 0.66, 0.66, 0.66])


def synthetic_dataset(
    seed: int = 0,
    *,
    flashpoints: int = 5,
    structures: int = 8,
    draws: int = 16,
    trajectories: int = 400,
    years: int = 10,
    sweep: bool = True,
    companion: bool = False,
) -> xr.Dataset:
    """Counts of made-up histories, by the contract of the results.

    Parameters
    ----------
    seed : int
        Of the random numbers.
    flashpoints, structures, draws, trajectories, years : int
        Size; the first `flashpoints` and `structures` names are used.
    sweep : bool
        Whether the one-at-a-time sweep is there.
    companion : bool
        Whether it is the run of a posterior, with its prior companion of half the draws.

    Returns
    -------
    Dataset
        Stored counts only; `escalation.results.derive.with_probabilities` adds the rest.
    """
    from escalation.results.build import build_dataset

    return build_dataset(
        *synthetic_parts(
            seed,
            flashpoints=flashpoints,
            structures=structures,
            draws=draws,
            trajectories=trajectories,
            years=years,
            sweep=sweep,
            companion=companion,
        )
    )


def synthetic_parts(
    seed: int = 0,
    *,
    flashpoints: int = 5,
    structures: int = 8,
    draws: int = 16,
    trajectories: int = 400,
    years: int = 10,
    sweep: bool = True,
    companion: bool = False,
) -> tuple[dict[str, np.ndarray], dict[str, object], dict[str, object]]:
    """Arrays, coordinates and attributes of `synthetic_dataset`, to build or to break."""
    rng = np.random.default_rng(seed)
    shape = (flashpoints, structures, draws)
    third = np.array(
        [
            [actor not in ("china", DEFENDERS[f]) for actor in ACTORS]
            for f in range(flashpoints)
        ]
    )
    parameter = rng.normal(size=(len(SWEEPS), draws))
    counts = _histories(rng, shape, trajectories, years, third)
    arrays = {name: array[None] for name, array in counts.items()}
    arrays["parameter_value"] = parameter
    arrays["is_third_party"] = third
    coords: dict[str, object] = {
        "flashpoint": list(FLASHPOINTS[:flashpoints]),
        "structure": list(STRUCTURES[:structures]),
        "draw": np.arange(draws),
        "year": np.arange(1, years + 1),
        "actor": list(ACTORS),
        "parameter": list(SWEEPS),
    }
    attrs: dict[str, object] = {
        "trajectories": trajectories,
        "horizon_years": years,
        "seed": 20241001,
        "reference": REFERENCE,
        "great_power": "united_states",
        "study_name": "asian_nato",
        "study_title": "Asian NATO against the alternatives (synthetic)",
        "study_text": "name: asian_nato\n",
        "study_sha256": "0" * 64,
        "packages": f"numpy {np.__version__}",
        "git": "unknown",
        "table_checksum": "0",
        "created": "2026-11-23T12:00:00Z",
        "default_point": draws == 1,
    }
    if sweep and _sweep_structures(structures):
        arrays |= _sweep(rng, flashpoints, structures)
        coords["sweep_parameter"] = list(SWEEPS)
        coords["sweep_structure"] = _sweep_structures(structures)
        attrs["sweep_trajectories"] = 20_000
    if companion:
        compared = _sweep_structures(structures) or list(STRUCTURES[:structures])
        shape = (flashpoints, len(compared), max(draws // 2, 1))
        prior = _histories(rng, shape, trajectories, years, third)
        arrays |= {f"companion_{name}": prior[name][None] for name in COMPANION_COUNTS}
        coords |= {
            "companion": ["own, prior"], "companion_premise": ["own"],
            "companion_source": ["prior"], "companion_structure": compared,
        }
        attrs |= POSTERIOR_ATTRS | {"companion_trajectories": trajectories}
    return arrays, coords, attrs


def _histories(rng, shape, n, years, third) -> dict[str, np.ndarray]:
    """Play `n` histories in every cell and count them."""
    cells = int(np.prod(shape))
    per_draw = np.exp(0.4 * rng.normal(size=shape))
    f, s, _ = np.unravel_index(np.arange(cells), shape)
    onset = _ONSET[f] * np.exp(0.3 * rng.normal(size=shape)).ravel()
    war = np.clip(_WAR[f] * _SAFETY[s] * per_draw.ravel(), 0, 0.6)

    disputes = rng.poisson(np.repeat(onset * years, n))
    owner = np.repeat(np.arange(cells * n), disputes)
    cell = owner // n
    when = rng.random(owner.size)
    order = np.lexsort((when, owner))
    year = (when[order] * years).astype(np.int64)

    grave = (rng.random(owner.size) < 0.18).astype(np.int64)
    at_war = rng.random(owner.size) < war[cell] * np.where(grave == 1, 1.0, 0.02)
    us = (at_war & (rng.random(owner.size) < _US_FIGHTS[s[cell]])).astype(np.int64)
    step = rng.random(owner.size)
    peak = 1 + (step < 0.8) + (step < 0.45) + (step < 0.15)
    above = 5 + (step < 0.3) + us * ((step < 0.12).astype(int) + (step < 0.06) + (step < 0.005))
    peak = np.where(at_war, above, peak).astype(np.int64)
    end = rng.choice(3, p=(0.55, 0.35, 0.10), size=owner.size)
    end = np.where(at_war, rng.choice((2, 3, 4), p=(0.1, 0.4, 0.5), size=owner.size), end)
    end = np.where(peak == codes.EXCHANGE, codes.END_EXCHANGE, end)
    last = (end == codes.END_CHALLENGER_WINS) | (end == codes.END_EXCHANGE)
    before = np.concatenate(([0], np.cumsum(last)))[:-1]
    first = np.concatenate(([0], np.cumsum(disputes)))[owner]
    alive = before == before[first]

    kept = {
        "owner": owner, "cell": cell, "year": year, "grave": grave, "peak": peak, "end": end,
        "us": us,
    }
    return _counts(rng, {k: v[alive] for k, v in kept.items()}, shape, n, years, third)


def _counts(rng, d, shape, n, years, third) -> dict[str, np.ndarray]:
    """Count the disputes `d` and their histories."""
    cells = int(np.prod(shape))
    size = d["owner"].size

    def count(tail, *index, where=slice(None)):
        flat = np.ravel_multi_index(
            (d["cell"][where], *(i[where] for i in index)), (cells, *tail)
        )
        return np.bincount(flat, minlength=cells * int(np.prod(tail))).reshape(*shape, *tail)

    worst = np.zeros(cells * n, np.int64)
    np.maximum.at(worst, d["owner"], d["peak"])
    worst_count = np.zeros((cells, codes.N_RUNGS), np.int64)
    np.add.at(worst_count, (np.repeat(np.arange(cells), n), worst), 1)
    is_war = d["peak"] >= codes.WAR
    happened = (
        np.ones(size, bool),
        d["grave"] == 1,
        (d["grave"] == 1) & (d["end"] == codes.END_CONCESSION),
        is_war,
        is_war & (d["us"] == 1),
        d["peak"] >= codes.NUCLEAR_USE,
    )
    first_event = np.stack(
        [_first_years(d["owner"][w], d["year"][w], cells, n, years) for w in happened], axis=1
    )
    days = np.maximum(1, rng.lognormal(np.where(d["grave"] == 1, 3.9, 3.0), 1.0)).astype(np.int64)
    days_bin = np.searchsorted(codes.DURATION_EDGES_DAYS, days, side="right") - 1
    party, fighters = _parties(rng, d, shape, n, third, is_war)
    ends = np.zeros((cells, len(codes.TRAJECTORY_ENDS)), np.int64)
    for code, end in ((1, codes.END_CHALLENGER_WINS), (2, codes.END_EXCHANGE)):
        ends[:, code] = np.bincount(d["cell"][d["end"] == end], minlength=cells)
    ends[:, 0] = n - ends.sum(axis=1)
    transition = np.zeros((cells, len(codes.CAUSES), codes.N_RUNGS, codes.N_RUNGS), np.int64)
    cause = rng.choice(3, p=(0.4, 0.5, 0.1), size=size)
    for rung in range(1, codes.N_RUNGS - 1):
        climbed = d["peak"] > rung
        np.add.at(transition, (d["cell"][climbed], cause[climbed], rung, rung + 1), 1)
    brink = rng.choice(2, p=(0.7, 0.3), size=size)
    brink_where = d["peak"] >= codes.CLASH
    total_days = count((2,), d["grave"]) * 0
    np.add.at(total_days.reshape(cells, 2), (d["cell"], d["grave"]), days)
    at_peace = n * years * 12 - total_days.sum(axis=-1) // 30
    return {
        "worst_rung_count": worst_count.reshape(*shape, -1),
        "crisis_count": count(
            (2, len(codes.END_STATES), codes.N_RUNGS, 2), d["grave"], d["end"], d["peak"], d["us"]
        ),
        "first_event_count": first_event.reshape(*shape, len(codes.EVENTS), years),
        **party,
        "duration_count": count((2, codes.N_DURATIONS), d["grave"], days_bin),
        "duration_days": total_days,
        "coalition_size_count": count((len(ACTORS) + 1,), fighters, where=is_war),
        "transition_count": transition.reshape(*shape, *transition.shape[1:]),
        "reciprocated_count": count((2,), d["grave"], where=rng.random(size) < 0.5),
        "wedge_count": count((2,), d["grave"], where=rng.random(size) < 0.4)[..., 1],
        "brink_count": count((2,), brink, where=brink_where),
        "trajectory_end_count": ends.reshape(*shape, -1),
        "exposure_months": np.maximum(at_peace, 0),
        "replicate_count": _replicates(d, happened, shape, n),
    }


def _replicates(d, happened, shape, n) -> np.ndarray:
    """First events and disputes by replicate: history number modulo the replicates."""
    cells, size = int(np.prod(shape)), codes.N_REPLICATES
    replicate = (d["owner"] % n) % size
    counts = np.zeros((cells, size, len(codes.REPLICATED)), np.int64)
    for column, where in enumerate(happened):
        histories = np.unique(d["owner"][where])
        np.add.at(counts, (histories // n, (histories % n) % size, column), 1)
    grave = d["grave"] == 1
    kinds = (np.ones(grave.size, bool), grave, grave & (d["peak"] >= codes.WAR))
    for column, where in enumerate(kinds, len(happened)):
        np.add.at(counts, (d["cell"][where], replicate[where], column), 1)
    return counts.reshape(*shape, size, -1)


def _first_years(owner, year, cells, n, years) -> np.ndarray:
    """Histories by the year of their first event (cells, year)."""
    first = np.full(cells * n, years, np.int64)
    np.minimum.at(first, owner, year)
    seen = first < years
    flat = (np.flatnonzero(seen) // n) * years + first[seen]
    return np.bincount(flat, minlength=cells * years).reshape(cells, years)


def _parties(rng, d, shape, n, third, is_war) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """What every third party did, and how many fought in each dispute."""
    cells = int(np.prod(shape))
    flashpoint = d["cell"] // (shape[1] * shape[2])
    chance = dict(zip(codes.PARTY_OUTCOMES, (0.25, 0.3, 0, 0.3, 0.2, 0.05, 0), strict=True))
    counts = {
        f"{name}_count": np.zeros((cells, len(ACTORS)), np.int64) for name in codes.PARTY_OUTCOMES
    }
    fighters = np.zeros(d["owner"].size, np.int64)
    for a, actor in enumerate(ACTORS):
        party = third[flashpoint, a]
        fought = party & is_war & (rng.random(party.size) < chance["fought"])
        if actor == "united_states":
            fought = party & (d["us"] == 1)
        out = party & is_war & ~fought
        outcomes = {
            "supported": party & (rng.random(party.size) < chance["supported"]),
            "fought": fought,
            "stayed_out": out,
            "entrapped": fought & (rng.random(party.size) < chance["entrapped"]),
            "abandoned": out & (rng.random(party.size) < chance["abandoned"]),
            "vetoed": party & (rng.random(party.size) < chance["vetoed"]),
        }
        for name, where in outcomes.items():
            counts[f"{name}_count"][:, a] = np.bincount(d["cell"][where], minlength=cells)
        fighters += fought
    shaped = {name: array.reshape(*shape, len(ACTORS)) for name, array in counts.items()}
    shaped["exited_count"] += np.minimum(min(3, n), shaped["supported_count"])
    return shaped, fighters


def _sweep_structures(structures: int) -> list[str]:
    wanted = (REFERENCE, "asian_nato", "minilateral_lattice")
    return [name for name in wanted if name in STRUCTURES[:structures]]


def _sweep(rng, flashpoints, structures, points: int = 7, n: int = 20_000):
    """Focus lines that cross the flat line of the reference, or do not."""
    value = np.linspace(-0.3, 0.5, points) * np.arange(1, len(SWEEPS) + 1)[:, None]
    names = _sweep_structures(structures)
    p0 = np.array([0.95, 0.4, 0.05, 0.1, 0.06, 0.005])
    slope = np.array([0.5, 0.8, 0.0])
    count = np.zeros((flashpoints, len(names), len(SWEEPS), points, len(p0)), np.int64)
    for s, name in enumerate(names):
        effect = 0.0 if name == REFERENCE else 1.0
        tilt = 1 + effect * (slope[:, None] * (value - 0.06))[None, :, :, None]
        scale = (_WAR[:flashpoints] / _WAR[0])[:, None, None, None]
        p = np.clip(p0 * np.where(np.arange(len(p0)) >= 2, scale, 1.0) * tilt, 0, 0.999)
        count[:, s] = np.rint(n * p)
    # Keep the order of events that a real run has: no more wars than disputes, and so on.
    count[..., 2] = np.minimum(count[..., 2], count[..., 1])
    return {"sweep_value": value, "sweep_event_count": count}


def driven_dataset() -> xr.Dataset:
    """Results whose difference in war moves with two of three parameters, the third is inert.

    The last of the six structures is in focus. Its war counts are replaced: as many more or
    fewer than those of the reference as the parameters say.
    """
    made = synthetic_dataset(draws=96, trajectories=320, flashpoints=1, structures=6)
    rng = np.random.default_rng(3)
    z = rng.normal(size=(3, 96))
    counts = made["replicate_count"].copy(deep=True)
    war = {"counted": "war", "decision_rule": counts["decision_rule"].values[0]}
    here = {"flashpoint": made["flashpoint"].values[0], **war}
    base = counts.sel(structure=REFERENCE, **here)
    more = np.rint(3.0 * z[0] - 1.5 * z[1] + 1.0)[:, None]
    focus = base.transpose("draw", "replicate") * 0 + 8 + more + rng.integers(-1, 2, (96, 16))
    counts.loc[dict(structure=REFERENCE, **here)] = 8
    counts.loc[dict(structure="asian_nato", **here)] = focus.clip(0, 20)
    made = made.assign(replicate_count=counts)
    made["parameter_value"] = (("parameter", "draw"), np.stack([z[0], z[1], np.exp(2 * z[2])]))
    return made.assign_attrs(focus='["asian_nato"]')
