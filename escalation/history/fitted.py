"""Which disputes and crises a posterior was fitted to, told without copying their data.

The provenance of a posterior holds a digest of each: eight hexadecimal digits of the SHA-256 of a
dispute's number, year and contiguity, or of a crisis's number and year. A row that was in no fit
passes for one of a thousand fitted ones with odds of about one in 500,000.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from escalation.archive.crisis_table import Crises
from escalation.archive.dispute_table import Disputes

KEYS = ("fitted_disputes", "fitted_crises")
"""Provenance of a posterior under which the digests stand, separated by blanks."""

_CONTIGUITIES = range(7)


@dataclass(frozen=True)
class InFit:
    """Rows that a posterior was fitted to.

    Attributes
    ----------
    disputes : bool array, shape (n,)
        Whether the dispute was in the fit.
    contiguity : int array, shape (n,)
        Its contiguity there; -1 for others.
    crises : bool array
        Whether the crisis was in the fit.
    """

    disputes: np.ndarray
    contiguity: np.ndarray
    crises: np.ndarray


def fitted_notes(disputes: Disputes, crises: Crises | None) -> dict[str, str]:
    """Provenance that says which rows a fit used."""
    rows = zip(disputes.dispnum, disputes.year, disputes.contiguity, strict=True)
    years = [] if crises is None else zip(crises.crisno, crises.year, strict=True)
    found = ([_digest(*row) for row in rows], [_digest(*row) for row in years])
    return {key: " ".join(sorted(digests)) for key, digests in zip(KEYS, found, strict=True)}


def in_fit(
    provenance: Mapping[str, str], disputes: Disputes, crises: Crises | None
) -> InFit | None:
    """Which rows were in the fit; None if the provenance does not say."""
    if not all(key in provenance for key in KEYS):
        return None
    first, second = (set(str(provenance[key]).split()) for key in KEYS)
    contiguity = np.full(len(disputes), -1)
    for i, row in enumerate(zip(disputes.dispnum, disputes.year, strict=True)):
        contiguity[i] = _contiguity(first, *row)
    years = [] if crises is None else zip(crises.crisno, crises.year, strict=True)
    return InFit(
        contiguity >= 0, contiguity, np.array([_digest(*row) in second for row in years], bool)
    )


def knows(
    provenance: Mapping[str, str],
    dispute: tuple[int, int] | None = None,
    crisis: tuple[int, int] | None = None,
) -> bool:
    """Whether a dispute or a crisis, by number and year, was in the fit.

    False, too, for a posterior that does not say.
    """
    first, second = (set(str(provenance.get(key, "")).split()) for key in KEYS)
    return (dispute is not None and _contiguity(first, *dispute) >= 0) or (
        crisis is not None and _digest(*crisis) in second
    )


def _contiguity(digests: set[str], number: int, year: int) -> int:
    return next((c for c in _CONTIGUITIES if _digest(number, year, c) in digests), -1)


def _digest(*numbers: int) -> str:
    text = " ".join(str(int(number)) for number in numbers)
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:8]
