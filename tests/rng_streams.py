r"""Streams of bits made from the model's keyed random words, and from weak ones.

An *order* says how the four keys (seed, draw, trajectory, slot) run from word to word: a
mixed-radix counter whose first digit turns fastest and whose last has no end,

.. math:: key_a(k) = key_a(0) + \sum_{i: a_i = a} stride_i \, digit_i(k) \pmod{2^{64}}.

A *field* is the part of each word that is kept: all 64 bits, or some bits that the kernel
reads on their own, packed one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numba
import numpy as np

from escalation.kernel import slots
from escalation.kernel.rng import GOLDEN, mix, stream, word

AXES = ("seed", "draw", "trajectory", "slot")
ALL = 64
"""Width of the field that is the whole word."""

Keying = Callable[[np.uint64, np.uint64, np.uint64, np.uint64], np.uint64]
"""A compiled function from (seed, draw, trajectory, slot) to a word."""


class Digit(NamedTuple):
    """One digit of an order: the key that it moves, by how much, and its number of values."""

    axis: str
    values: int = 2**63
    stride: int = 1


class Stream(NamedTuple):
    """An order of keys and the field of each word that is kept."""

    digits: tuple[Digit, ...]
    shift: int = 0
    width: int = ALL


# ------------------------------------------------------------------ keyed words


@numba.njit
def keyed(seed: np.uint64, draw: np.uint64, trajectory: np.uint64, slot: np.uint64
          ) -> np.uint64:
    """Return the word of the model."""
    start, step = stream(seed, draw, trajectory)
    return word(start, step, np.int64(slot))


@numba.njit
def unmixed(seed: np.uint64, draw: np.uint64, trajectory: np.uint64, slot: np.uint64
            ) -> np.uint64:
    """Weak: the counter without the output function."""
    start, step = stream(seed, draw, trajectory)
    return start + step * slot


@numba.njit
def half_mixed(seed: np.uint64, draw: np.uint64, trajectory: np.uint64, slot: np.uint64
               ) -> np.uint64:
    """Weak: keys enter by their sum, and the output function lacks a multiplication."""
    z = seed + GOLDEN * (draw + trajectory + slot)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    return z ^ (z >> np.uint64(31))


@numba.njit
def added_trajectory(seed: np.uint64, draw: np.uint64, trajectory: np.uint64, slot: np.uint64
                     ) -> np.uint64:
    """Weak: each trajectory walks one word ahead of the one before."""
    start, _ = stream(seed, draw, np.uint64(0))
    return mix(start + (trajectory + slot) * GOLDEN)


@numba.njit
def added_draw(seed: np.uint64, draw: np.uint64, trajectory: np.uint64, slot: np.uint64
               ) -> np.uint64:
    """Weak: seed and draw enter by their sum only."""
    start, step = stream(seed + draw, np.uint64(0), trajectory)
    return word(start, step, np.int64(slot))


@numba.njit
def table(keying: Keying, seeds: np.ndarray, draws: np.ndarray, trajectories: np.ndarray,
          places: np.ndarray) -> np.ndarray:
    """Return the words of four equally long lists of keys, all uint64."""
    out = np.empty(seeds.shape[0], np.uint64)
    for k in range(out.shape[0]):
        out[k] = keying(seeds[k], draws[k], trajectories[k], places[k])
    return out


# ------------------------------------------------------------------ streams


@numba.njit
def fill(keying: Keying, keys: np.ndarray, axes: np.ndarray, values: np.ndarray,
         strides: np.ndarray, first: np.uint64, out: np.ndarray) -> None:
    """Write the words `first`, `first` + 1 ... of an order into `out`."""
    key = np.empty(4, np.uint64)
    for k in range(out.shape[0]):
        key[:] = keys
        left = first + np.uint64(k)
        for i in range(axes.shape[0]):
            rest = left // values[i]
            key[axes[i]] += (left - rest * values[i]) * strides[i]
            left = rest
        out[k] = keying(key[0], key[1], key[2], key[3])


@numba.njit
def pack(words: np.ndarray, shift: int, width: int) -> np.ndarray:
    """Return fields of at most 32 bits as 32-bit numbers; the last one is whole."""
    out = np.empty(words.shape[0] * width // 32, np.uint32)
    kept, held, n = np.uint64(0), 0, 0
    for w in words:
        kept |= ((w >> np.uint64(shift)) & np.uint64((1 << width) - 1)) << np.uint64(held)
        held += width
        if held >= 32:
            out[n] = np.uint32(kept & np.uint64(0xFFFFFFFF))
            kept >>= np.uint64(32)
            held -= 32
            n += 1
    return out


CHUNK = 1 << 17
"""Words at a time; a multiple of 32, so that a chunk of fields ends with a whole number."""


def chunks(stream: Stream, seed: int, keying: Keying = keyed) -> Iterator[np.ndarray]:
    """Yield the numbers of a stream, without end, in one array that is written anew.

    Draw, trajectory and slot start at 3, 5 and the first crisis.
    """
    keys = np.array([seed, 3, 5, slots.CRISIS], np.uint64)
    axes = np.array([AXES.index(digit.axis) for digit in stream.digits])
    values = np.array([digit.values for digit in stream.digits], np.uint64)
    strides = np.array([digit.stride for digit in stream.digits], np.uint64)
    out = np.empty(CHUNK, np.uint64)
    first = 0
    while True:
        fill(keying, keys, axes, values, strides, np.uint64(first), out)
        yield out if stream.width == ALL else pack(out, stream.shift, stream.width)
        first += CHUNK
