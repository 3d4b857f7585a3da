"""Counter-based random numbers, keyed by (seed, draw, trajectory, slot).

SplitMix64 of Steele, Lea and Flood (2014, OOPSLA, "Fast splittable pseudorandom number
generators"), used as a function of a counter: with start ``s`` and odd step ``g`` the
word of slot ``n`` is ``mix(s + n g)``. Seed, draw and trajectory are hashed into ``s``
and, through the paper's ``mixGamma``, into ``g``, so that two trajectories walk through
the 64-bit states with different steps and never share a run of words. With
``g = 0x9e3779b97f4a7c15`` the words are those of the published generator.

All arithmetic is modulo 2**64.
"""

from __future__ import annotations

import numpy as np

from escalation.kernel.jit import jit_part

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_M1 = np.uint64(0xBF58476D1CE4E5B9)
_M2 = np.uint64(0x94D049BB133111EB)
_G1 = np.uint64(0xFF51AFD7ED558CCD)
_G2 = np.uint64(0xC4CEB9FE1A85EC53)
_ALTERNATING = np.uint64(0xAAAAAAAAAAAAAAAA)
_ONE = np.uint64(1)
_S27, _S30, _S31, _S33 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(33)
_P1, _P2, _P4 = (
    np.uint64(0x5555555555555555),
    np.uint64(0x3333333333333333),
    np.uint64(0x0F0F0F0F0F0F0F0F),
)
_BYTES, _TOP, _TWO, _FOUR = (
    np.uint64(0x0101010101010101),
    np.uint64(56),
    np.uint64(2),
    np.uint64(4),
)
_FEW = np.uint64(24)


@jit_part
def mix(z):
    """Return the SplitMix64 finaliser of a 64-bit word (Stafford's variant 13)."""
    z = (z ^ (z >> _S30)) * _M1
    z = (z ^ (z >> _S27)) * _M2
    return z ^ (z >> _S31)


@jit_part
def mix_gamma(z):
    """Return an odd step with enough bit changes (``mixGamma`` of the paper)."""
    z = (z ^ (z >> _S33)) * _G1
    z = (z ^ (z >> _S33)) * _G2
    z = (z ^ (z >> _S33)) | _ONE
    changes = z ^ (z >> _ONE)
    changes -= (changes >> _ONE) & _P1
    changes = (changes & _P2) + ((changes >> _TWO) & _P2)
    changes = (((changes + (changes >> _FOUR)) & _P4) * _BYTES) >> _TOP
    return z ^ _ALTERNATING if changes < _FEW else z


@jit_part
def stream(seed, draw, trajectory):
    """Return start and step of a trajectory's words; the three arguments are uint64."""
    outer = mix(mix(seed + GOLDEN) ^ (draw * GOLDEN + _M1))
    inner = outer + trajectory * GOLDEN
    return mix(inner), mix_gamma(inner)


@jit_part
def word(start, step, slot):
    """Return the random word of `slot` (a non-negative int64)."""
    return mix(start + step * np.uint64(slot))
