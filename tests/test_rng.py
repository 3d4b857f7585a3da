"""Random words: known answers, what they depend on, and that no two decisions share one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import cells
import numba
import numpy as np
import pytest
import rng_streams as streams
from player import MASK, Words, finalise, odd_step
from rng_streams import AXES, Digit, Keying
from scipy.stats import binom, chi2, norm

from escalation.contracts import codes
from escalation.kernel import slots
from escalation.kernel.rng import GOLDEN, mix, mix_gamma, stream

SEEDS = (0, 1, 2**64 - 1)


def words(seed: object = 0, draw: object = 0, trajectory: object = 0, slot: object = 0,
          keying: Keying = streams.keyed) -> np.ndarray:
    """Return words of keys that are broadcast against each other."""
    keys = np.broadcast_arrays(*(np.asarray(k, np.uint64) for k in (seed, draw, trajectory, slot)))
    return streams.table(keying, *(np.ascontiguousarray(k).ravel() for k in keys))


# ------------------------------------------------------------------ known answers


@numba.njit
def published(seed: np.uint64, n: int) -> np.ndarray:
    """Return the first words of the published generator."""
    out = np.empty(n, np.uint64)
    for k in range(n):
        out[k] = mix(seed + np.uint64(k + 1) * GOLDEN)
    return out


@numba.njit
def child(seed: np.uint64, n: int) -> np.ndarray:
    """Return the first words of the first split of the published generator."""
    start, step = mix(seed + GOLDEN), mix_gamma(seed + GOLDEN + GOLDEN)
    out = np.empty(n, np.uint64)
    for k in range(n):
        out[k] = mix(start + np.uint64(k + 1) * step)
    return out


def plain_child(seed: int, n: int) -> list[int]:
    """Return the same from the plain player's functions."""
    golden = int(GOLDEN)
    start, step = finalise((seed + golden) & MASK), odd_step((seed + 2 * golden) & MASK)
    return [finalise((start + k * step) & MASK) for k in range(1, n + 1)]


FIRST_WORDS = {
    # Rosetta Code, "Pseudo-random numbers/Splitmix64"
    1234567: [6457827717110365317, 3203168211198807973, 9817491932198370423,
              4593380528125082431, 16408922859458223821],
    # Apache Commons, SplitMix64Test: the first 12 of its 40
    0x1A2B3C4D5E6F7531: [
        0x4141302768C9E9D0, 0x64DF48C4EAB51B1A, 0x4E723B53DBD901B3, 0xEAD8394409DD6454,
        0x3EF60E485B412A0A, 0xB2A23AEE63AECF38, 0x6CC3B8933C4FA332, 0x9C9E75E031E6FCCB,
        0x0FDDFFB161C9F30F, 0x2D1D75D4E75C12A3, 0xCDCF9D2DDE66DA2E, 0x278BA7D1D142CFEC,
    ],
    # java.util.SplittableRandom of OpenJDK 17.0.15
    0: [0xE220A8397B1DCDAF],
}

CHILDREN = {
    # java.util.SplittableRandom of OpenJDK 17.0.15: new SplittableRandom(seed).split(), then
    # nextLong() three times. Seeds 11 and 14 take mixGamma's rare branch (few bit changes).
    0: [1750893463095773485, 15026617196815859347, 14217238538181877965],
    1: [14201552918486545593, 7808539724696272966, 10722403256344149191],
    11: [4571796205088123569, 3858759985714206617, 15428535668955324928],
    14: [12700731272631027708, 4611074942469094114, 9859296229421690216],
    1234567: [871413907629865662, 5225178045395358119, 12955471488454743268],
    2**64 - 1: [3139876153789920076, 16837494776005415745, 8917495619343972245],
}

OWN_KEYS = ((0, 0, 0), (4095, 10**9, 2**34 + 77))
OWN_WORDS = {
    # Regression: made once with the plain player's Words(seed, draw, trajectory)[slot], which
    # shares no code with the kernel, for both keys of OWN_KEYS.
    0: [11784365883762258908, 7796930579739260344],
    1: [12945056125090626464, 9313483333330815374],
    2**64 - 1: [6839558509210116611, 11077617356421833215],
}


@pytest.mark.parametrize("seed", FIRST_WORDS)
def test_published_words(seed: int) -> None:
    expected = FIRST_WORDS[seed]
    assert published(np.uint64(seed), len(expected)).tolist() == expected
    plain = [finalise((seed + k * int(GOLDEN)) & MASK) for k in range(1, len(expected) + 1)]
    assert plain == expected


def test_published_counts_of_fifths() -> None:
    """Rosetta Code: 100,000 fractions of seed 987654321, sorted into fifths."""
    high = published(np.uint64(987654321), 100_000) >> np.uint64(11)
    assert np.bincount((high * 2.0**-53 * 5).astype(int)).tolist() == [
        20027, 19892, 20073, 19978, 20030,
    ]


def test_published_word_far_on() -> None:
    """Erlang/OTP, rand_SUITE: the 100,000th word of 55555555."""
    assert published(np.uint64(55555555), 100_000)[-1] == 13069087632117122295


@pytest.mark.parametrize("seed", CHILDREN)
def test_words_of_a_split(seed: int) -> None:
    """Starts and odd steps as the published generator splits them."""
    assert child(np.uint64(seed), 3).tolist() == CHILDREN[seed]
    assert plain_child(seed, 3) == CHILDREN[seed]


@pytest.mark.parametrize("seed", SEEDS)
def test_own_words_stay(seed: int) -> None:
    assert [int(words(seed, *key)[0]) for key in OWN_KEYS] == OWN_WORDS[seed]
    plain = [Words(seed, draw, trajectory)[slot] for draw, trajectory, slot in OWN_KEYS]
    assert plain == OWN_WORDS[seed]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("draw", "trajectory"), [(0, 0), (1, 0), (0, 1), (4095, 10**9)])
def test_word_is_that_of_the_plain_player(seed: int, draw: int, trajectory: int) -> None:
    plain = Words(seed, draw, trajectory)
    some = [0, 32, 64, 2**16, 2**20, 2**34 + 77]
    assert words(seed, draw, trajectory, some).tolist() == [plain[slot] for slot in some]


# ------------------------------------------------------------------ what words depend on


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


# ------------------------------------------------------------------ streams for batteries


def test_stream_walks_through_its_keys() -> None:
    """Two trajectories a long way apart, at every third slot, in the plain player's words."""
    order = streams.Stream((Digit("trajectory", 2, 1 << 40), Digit("slot", stride=3)))
    found = next(streams.chunks(order, 7))[:6].tolist()
    near, far = Words(7, 3, 5), Words(7, 3, 5 + 2**40)
    places = [slots.CRISIS, slots.CRISIS + 3, slots.CRISIS + 6]
    assert found == [player[place] for place in places for player in (near, far)]


@pytest.mark.parametrize(("shift", "width"), [(34, 30), (0, 8), (6, 16), (0, 18)])
def test_stream_packs_fields_without_gaps(shift: int, width: int) -> None:
    order = (Digit("trajectory"),)
    whole = next(streams.chunks(streams.Stream(order), 7))[:32]
    fields = [(int(w) >> shift) % 2**width for w in whole]
    packed = sum(value << (k * width) for k, value in enumerate(fields))
    found = next(streams.chunks(streams.Stream(order, shift, width), 7))[:width]
    assert found.tolist() == [(packed >> (32 * k)) % 2**32 for k in range(width)]


def test_streams_go_on_where_a_piece_ends() -> None:
    pieces = streams.chunks(streams.Stream((Digit("slot"),)), 7)
    next(pieces)
    assert int(next(pieces)[0]) == Words(7, 3, 5)[slots.CRISIS + streams.CHUNK]


# ------------------------------------------------------------------ statistics

LEVEL = 1e-3
"""Chance that a perfect generator fails any of the statistics below; the seeds are fixed."""

N = 1 << 15
ADJACENT = 1_000_000
KEYS = {"seed": 77, "draw": 3, "trajectory": 5, "slot": slots.CRISIS}


def neighbours(axis: str, keying: Keying = streams.keyed, n: int = N) -> np.ndarray:
    """Return words whose keys differ in one of the four numbers only, one after the other."""
    return words(**{**KEYS, axis: np.arange(n) + KEYS[axis]}, keying=keying)


def byte_p_values(w: np.ndarray) -> list[float]:
    """Return two-sided chi-square p-values of the eight bytes."""
    result = []
    for byte in range(8):
        observed = np.bincount(((w >> np.uint64(8 * byte)) & np.uint64(255)).astype(int),
                               minlength=256)
        statistic = ((observed - w.size / 256) ** 2).sum() / (w.size / 256)
        result.append(2 * float(min(chi2.sf(statistic, 255), chi2.cdf(statistic, 255))))
    return result


def bits(w: np.ndarray) -> np.ndarray:
    """Return the 64 bits of each word as -1 and 1."""
    return np.unpackbits(w[:, None].view(np.uint8), axis=1).astype(np.float32) * 2 - 1


def bit_p_value(a: np.ndarray, b: np.ndarray) -> list[float]:
    """Return the p-value of the largest of the 64 x 64 correlations of their bits."""
    z = np.abs(bits(a).T @ bits(b)).max() / np.sqrt(len(a))
    return [min(1.0, float(2 * 64 * 64 * norm.sf(z)))]


def follow(axis: str, keying: Keying = streams.keyed) -> list[float]:
    """Correlate every bit with every bit of the next word."""
    w = neighbours(axis, keying)
    return bit_p_value(w[:-1], w[1:])


def in_step(axis: str, distance: int, keying: Keying = streams.keyed) -> list[float]:
    """Correlate words of a slot some way off with those of the next key at the first slot."""
    k = np.arange(N)
    return bit_p_value(words(**{axis: k}, slot=distance, keying=keying),
                       words(**{axis: k + 1}, keying=keying))


def avalanche(axis: str, keying: Keying = streams.keyed) -> list[float]:
    """Turn each bit of a key, and see which bits of the word turn: every one, half of the time.

    One exact p-value for the largest deviation among the 64 x 64 shares; and one for how far
    the number of bits that turn spreads over words: the square of its distance from 32 has
    mean 16 and variance 504 for a Binomial(64, 1/2).
    """
    n = 4096
    # Far apart, so that no two of the keys differ in one bit only.
    k = np.arange(n, dtype=np.uint64) * GOLDEN
    before = words(**{**KEYS, axis: k}, keying=keying)
    turned = np.array([
        bits(before ^ words(**{**KEYS, axis: k ^ np.uint64(1 << bit)}, keying=keying)) > 0
        for bit in range(64)
    ])
    far = np.abs(turned.sum(axis=1) - n / 2).max()
    spread = np.mean((turned.sum(axis=2) - 32.0) ** 2)
    return [
        min(1.0, 2 * 64 * 64 * float(binom.sf(n / 2 + far - 1, n, 0.5))),
        float(2 * norm.sf(abs(spread - 16) / np.sqrt(504 / (64 * n)))),
    ]


STATISTICS: dict[str, Callable[[], list[float]]] = {
    **{f"bytes along {axis}": lambda axis=axis: byte_p_values(neighbours(axis)) for axis in AXES},
    **{f"bits along {axis}": partial(follow, axis) for axis in AXES},
    **{f"{axis} and the next at {distance}": partial(in_step, axis, distance)
       for axis in AXES[:3] for distance in (1, 2, slots.ROUND, slots.CRISIS)},
    **{f"bits of {axis} turned": partial(avalanche, axis) for axis in AXES},
}


def passes(p_values: list[float]) -> bool:
    """Whether no p-value of one of the statistics is too small; Bonferroni over all of them."""
    return min(p_values) > LEVEL / (len(STATISTICS) * len(p_values))


@pytest.mark.parametrize("name", STATISTICS)
def test_keyed_words_look_random(name: str) -> None:
    """Family-wise level 1e-3 over all statistics and their p-values."""
    assert passes(STATISTICS[name]())


def planted() -> np.ndarray:
    """Return words of which one in 200 ends in a zero byte."""
    w = neighbours("slot")
    return np.where(np.arange(N) % 200 == 0, w & ~np.uint64(255), w)


def leaky() -> list[float]:
    """Pass the lowest bit of one word in ten on to the next."""
    w, one = neighbours("slot"), np.uint64(1)
    passed = np.where(np.arange(N) % 10 == 0, (w & ~one) | (np.roll(w, 1) & one), w)
    return bit_p_value(w[:-1], passed[1:])


@pytest.mark.parametrize("flaw", [
    pytest.param(lambda: byte_p_values(planted()), id="planted byte"),
    pytest.param(leaky, id="leaky bit"),
    pytest.param(lambda: byte_p_values(neighbours("slot", streams.unmixed)), id="counter"),
    pytest.param(partial(in_step, "trajectory", 1, streams.added_trajectory), id="shifted"),
    pytest.param(partial(avalanche, "seed", streams.half_mixed), id="half of the mixing"),
    pytest.param(partial(avalanche, "slot", streams.unmixed), id="no mixing"),
])
def test_flaws_are_caught(flaw: Callable[[], list[float]]) -> None:
    """Negative control: each statistic finds what it is there for."""
    assert not passes(flaw())


# ------------------------------------------------------------------ collisions


@numba.njit
def starts(seeds: np.ndarray, draws: np.ndarray, trajectories: np.ndarray) -> np.ndarray:
    """Return the starts of three equally long lists of keys."""
    out = np.empty(seeds.shape[0], np.uint64)
    for k in range(out.shape[0]):
        out[k] = stream(seeds[k], draws[k], trajectories[k])[0]
    return out


def block(n: int) -> list[np.ndarray]:
    """Return n seeds, n draws and n trajectories, each with each."""
    axis = np.arange(n, dtype=np.uint64)
    return [np.ascontiguousarray(k).ravel() for k in np.meshgrid(axis, axis, axis)]


@pytest.mark.parametrize("axis", ["seed", "draw", "trajectory", "each with each"])
def test_no_two_adjacent_keys_start_alike(axis: str) -> None:
    """A million keys; a perfect generator has a collision with a chance of 3e-8."""
    if axis == "each with each":
        keys = block(100)
    else:
        keys = [np.full(ADJACENT, KEYS[name], np.uint64) for name in AXES[:3]]
        keys[AXES.index(axis)] += np.arange(ADJACENT, dtype=np.uint64)
    found = starts(*keys)
    assert len(np.unique(found)) == len(found) == ADJACENT


def test_keys_that_share_words_are_caught() -> None:
    """Negative control: seed and draw that enter by their sum only."""
    shared = words(*block(100), keying=streams.added_draw)
    assert len(np.unique(shared)) < ADJACENT
