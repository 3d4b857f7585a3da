"""Random words: known answers, what they depend on, and that no two decisions share one."""

from __future__ import annotations

import cells
import numba
import numpy as np
import pytest
from player import Words, finalise
from scipy.stats import chi2, norm

from escalation import codes
from escalation.kernel import slots
from escalation.kernel.rng import GOLDEN, mix, stream, word

SEEDS = (0, 1, 2**64 - 1)


@numba.njit
def published(seed: np.uint64, n: int) -> np.ndarray:
    """Return the first words of the published generator."""
    out = np.empty(n, np.uint64)
    for k in range(n):
        out[k] = mix(seed + np.uint64(k + 1) * GOLDEN)
    return out


@numba.njit
def table(seeds: np.ndarray, draws: np.ndarray, trajectories: np.ndarray, places: np.ndarray
          ) -> np.ndarray:
    """Return the words of four equally long lists of keys."""
    out = np.empty(seeds.shape[0], np.uint64)
    for k in range(out.shape[0]):
        start, step = stream(seeds[k], draws[k], trajectories[k])
        out[k] = word(start, step, places[k])
    return out


def words(seed: object = 0, draw: object = 0, trajectory: object = 0, slot: object = 0
          ) -> np.ndarray:
    """Return words of keys that are broadcast against each other."""
    keys = np.broadcast_arrays(*(np.asarray(k, np.uint64) for k in (seed, draw, trajectory)), slot)
    lists = [np.ascontiguousarray(k).ravel() for k in keys]
    return table(*lists[:3], lists[3].astype(np.int64))


def test_known_answers() -> None:
    expected = [
        6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431,
        16408922859458223821,
    ]
    assert published(np.uint64(1234567), 5).tolist() == expected
    assert published(np.uint64(0), 1).tolist() == [0xE220A8397B1DCDAF]


def test_known_answers_of_the_plain_player() -> None:
    golden = 0x9E3779B97F4A7C15
    assert finalise(golden) == 0xE220A8397B1DCDAF
    assert finalise(1234567 + golden) == 6457827717110365317


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("draw", "trajectory"), [(0, 0), (1, 0), (0, 1), (4095, 10**9)])
def test_word_is_that_of_the_plain_player(seed: int, draw: int, trajectory: int) -> None:
    plain = Words(seed, draw, trajectory)
    some = [0, 32, 64, 2**16, 2**20, 2**34 + 77]
    assert words(seed, draw, trajectory, some).tolist() == [plain[slot] for slot in some]


def test_every_key_counts() -> None:
    seeds, draws, trajectories, places = np.meshgrid(
        np.array([0, 1, 2, 2**63, 2**64 - 1], np.uint64), np.arange(8, dtype=np.uint64),
        np.arange(8, dtype=np.uint64), np.arange(8, dtype=np.uint64),
    )
    all_words = words(seeds, draws, trajectories, places)
    assert len(np.unique(all_words)) == all_words.size


def test_extreme_seeds_are_different_streams() -> None:
    tables = cells.chosen(cells.varied_block(), 0)
    counts = [cells.count(tables, 2000, seed=seed) for seed in SEEDS]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert not cells.same(counts[a], counts[b])


def all_slots(years: range, indices: range, rounds: range) -> np.ndarray:
    """Return every slot that a trajectory may look at, once for each decision it serves."""
    parties = np.arange(codes.MAX_PARTIES)
    lanes = np.arange(-(-(codes.MAX_PARTIES + 2) // 4))
    setup = [parties, [slots.SIDES]]
    year = slots.YEAR * (1 + np.array(years))[:, None]
    yearly = [year + lanes, year + slots.YEAR_REDRAW + parties, year + slots.YEAR_SIDES]
    crisis = (slots.PER_YEAR * np.array(years)[:, None] + np.array(indices)).ravel()
    steps = [
        slots.STEP_CHANCE, slots.STEP_CHALLENGER, slots.STEP_DEFENDER, slots.STEP_BRINK_INCIDENT,
        slots.STEP_JUMP, slots.STEP_SPIRAL, slots.STEP_AUTHORISATION, slots.STEP_VICTORY,
        slots.STEP_BRINK_JUMP, slots.STEP_BRINK_SPIRAL, *(slots.STEP_PARTY + parties),
    ]
    moves = (slots.ROUND * np.array(rounds)[:, None] + np.array(steps)).ravel()
    opening = slots.CRISIS * (1 + crisis)
    during = opening[:, None] + moves
    groups = [*setup, *yearly, slots.ONSET + crisis, opening, during]
    return np.concatenate([np.ravel(group).astype(np.int64) for group in groups])


@pytest.mark.parametrize(
    ("years", "indices", "rounds"),
    [
        (range(1, codes.MAX_YEARS), range(slots.PER_YEAR), range(1, 2)),
        (range(1, codes.MAX_YEARS), range(2), range(1, codes.MAX_ROUNDS + 1, 37)),
        (range(1, 2), range(slots.PER_YEAR - 2, slots.PER_YEAR), range(1, codes.MAX_ROUNDS + 1)),
        (range(codes.MAX_YEARS - 1, codes.MAX_YEARS), range(254, 256),
         range(1, codes.MAX_ROUNDS + 1)),
    ],
)
def test_no_two_decisions_share_a_slot(years: range, indices: range, rounds: range) -> None:
    """All ranges are arithmetic, so their ends and a grid of the inside decide."""
    every = all_slots(years, indices, rounds)
    assert len(np.unique(every)) == len(every)
    assert every.min() >= 0
    assert every.max() < 2**63


def test_ranges_end_before_the_next_begins() -> None:
    years = codes.MAX_YEARS
    assert codes.MAX_PARTIES <= slots.SIDES < slots.YEAR
    assert -(-(codes.MAX_PARTIES + 2) // 4) <= slots.YEAR_REDRAW
    assert slots.YEAR_REDRAW + codes.MAX_PARTIES <= slots.YEAR_SIDES < slots.YEAR
    assert slots.YEAR * (1 + years) <= slots.ONSET
    assert slots.ONSET + slots.PER_YEAR * years <= slots.CRISIS
    assert slots.STEP_PARTY + codes.MAX_PARTIES <= slots.STEP_BRINK_JUMP
    assert slots.STEP_BRINK_SPIRAL < slots.ROUND
    assert slots.ROUND * (codes.MAX_ROUNDS + 1) <= slots.CRISIS


# ------------------------------------------------------------------ statistics

LEVEL = 1e-4
"""Chance that a perfect generator fails one of the tests below; the seeds are fixed."""

N = 1 << 15


def neighbours(which: str) -> np.ndarray:
    """Return words whose keys differ in one of the four numbers only, one after the other."""
    keys = {"seed": 77, "draw": 3, "trajectory": 5, "slot": slots.CRISIS}
    return words(**{**keys, which: np.arange(N) + keys[which]})


def byte_p_values(w: np.ndarray) -> list[float]:
    """Return chi-square p-values of the eight bytes."""
    result = []
    for byte in range(8):
        observed = np.bincount(((w >> np.uint64(8 * byte)) & np.uint64(255)).astype(int),
                               minlength=256)
        result.append(chi2.sf(((observed - w.size / 256) ** 2).sum() / (w.size / 256), 255))
    return result


def bit_p_value(a: np.ndarray, b: np.ndarray) -> float:
    """Return the p-value of the largest of the 64 x 64 correlations of their bits."""
    x, y = (
        np.unpackbits(w[:, None].view(np.uint8), axis=1).astype(np.float32) * 2 - 1 for w in (a, b)
    )
    z = np.abs(x.T @ y).max() / np.sqrt(len(a))
    return min(1.0, float(2 * 64 * 64 * norm.sf(z)))


@pytest.mark.parametrize("which", ["seed", "draw", "trajectory", "slot"])
def test_neighbouring_words_are_uniform(which: str) -> None:
    """Chi-square of each byte, level 1e-4 over all eight."""
    assert min(byte_p_values(neighbours(which))) > LEVEL / 8


@pytest.mark.parametrize("which", ["seed", "draw", "trajectory", "slot"])
def test_neighbouring_words_are_uncorrelated(which: str) -> None:
    """Correlation of every bit with every bit of the next word, level 1e-4."""
    w = neighbours(which)
    assert bit_p_value(w[:-1], w[1:]) > LEVEL


@pytest.mark.parametrize("distance", [1, 2, slots.ROUND, slots.CRISIS])
def test_neighbouring_trajectories_do_not_run_in_step(distance: int) -> None:
    """A word against that of the next trajectory at a slot some way off, level 1e-4."""
    k = np.arange(N)
    assert bit_p_value(words(trajectory=k, slot=0), words(trajectory=k + 1, slot=distance)) > LEVEL


def test_a_planted_bias_is_caught() -> None:
    """Negative control: one word in 200 ends in a zero byte; one bit in ten is passed on."""
    w = neighbours("slot")
    k = np.arange(N)
    biased = np.where(k % 200 == 0, w & ~np.uint64(255), w)
    assert min(byte_p_values(biased)) < LEVEL / 8
    one = np.uint64(1)
    leaky = np.where(k % 10 == 0, (w & ~one) | (np.roll(w, 1) & one), w)
    assert bit_p_value(w[:-1], leaky[1:]) < LEVEL
