"""The same question under every premise: P(safer), and what the fit to history changed about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import xarray as xr

from escalation.analysis.premises import compared_beliefs, premises
from escalation.analysis.selection import chosen_reference, chosen_structure, focus_of
from escalation.errors import EscalationError
from escalation.report.decision_table import chance_text
from escalation.report.glossary import explained
from escalation.report.text import WIDTH, Row, of_100, paragraph, safe, share_number, table
from escalation.results.companion import uses_posterior
from escalation.results.support import Says
from escalation.statistics.intervals import Z95

Held = tuple[str, Any, Any]
"""A premise, what it says of a risk, and what the priors alone say (None where there are none)."""
RISKS = ("war", "great_power_war", "nuclear_use")
_MOVED = 0.05
"""Change of P(safer) below which history says next to nothing about it."""


def has_premises(ds: xr.Dataset) -> bool:
    """Whether results hold anything under other beliefs than those of the run itself."""
    return len(compared_beliefs(ds)) > 1


def format_premises(
    ds: xr.Dataset,
    width: int = WIDTH,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> str:
    """Return P(safer) under every premise as plain text, no line wider than `width`.

    Parameters
    ----------
    ds : Dataset
        Results that hold premises.
    width : int
        Columns.
    progress : callable, optional
        As of :func:`escalation.analysis.premises.premises`.
    """
    try:
        reference = chosen_reference(ds)
        structures = focus_of(ds, reference)
    except EscalationError:
        return explained(["There is nothing to compare with a reference."], width)
    points = [str(name) for name in ds["flashpoint"].values]
    found = premises(ds, RISKS, flashpoints=points, progress=progress)
    lines = paragraph(_intro(ds, found), width)
    for point in points:
        for structure in structures:
            lines += ["", *paragraph(safe(f"{point}: {structure} against {reference}"), width)]
            rows = _rows(found.sel(flashpoint=point, structure=structure))
            lines += table([_plain(risk) for risk in RISKS], rows, width)
    return explained(lines, width)


def format_weighted(found: xr.Dataset, width: int = WIDTH) -> str:
    """Return P(safer) under a premise that weights the draws, and that of the run.

    Parameters
    ----------
    found : Dataset
        From :func:`escalation.analysis.premises.weighted`.
    width : int
        Columns.
    """
    a, risks = found.attrs, found["risk"].values.tolist()
    lines = paragraph(
        f"P(safer) under a premise: {safe(a['premise'])}. The draws of the run are weighted by "
        f"it, worth {a['effective']:.0f} of them; in brackets the 95 % interval over draws. 'As "
        "it is' is P(safer) in the run without that premise.", width,
    )  # fmt: skip
    for point in found["flashpoint"].values.tolist():
        rows: list[Row] = []
        for structure in found["structure"].values.tolist():
            here = [found.sel(flashpoint=point, structure=structure, risk=r) for r in risks]
            if structure != a["reference"]:
                rows.append((structure, [_weighted_text(row, a["effective"]) for row in here]))
                rows.append(("  as it is", [_own_text(row, a["effective"]) for row in here]))
        lines += ["", *paragraph(safe(f"{point}: against {a['reference']}"), width)]
        lines += table([_plain(risk) for risk in risks], rows, width)
    return explained(lines, width)


def _weighted_text(row: xr.Dataset, draws: float) -> str:
    p, half = float(row["p_safer"]), Z95 * float(row["p_safer_error"])
    text = chance_text(p, int(draws), str(row["verdict"].item()))
    if not _is_told(row):
        return text
    return f"{text}\n[{share_number(max(p - half, 0))}–{share_number(min(p + half, 1))}]"


def _own_text(row: xr.Dataset, draws: float) -> str:
    told = _is_told(row)
    return chance_text(float(row["p_safer_own"]), int(draws), "" if told else "-")


def premises_words(held: Sequence[Held]) -> str:
    """Return in how many of 100 worlds there is less war under the other premises, in words.

    Parameters
    ----------
    held : sequence of Held
        From `beliefs_on_war`.

    Returns
    -------
    str
        Such as ``92 if pacts deter, 17 if pacts provoke``; empty where nothing is held.
    """
    told = [(name, float(main["p_safer"])) for name, main, _ in held[1:]
            if _is_told(main)]  # fmt: skip
    ordered = sorted(told, key=lambda pair: -pair[1])
    return ", ".join(f"{of_100(share)} if {name}" for name, share in ordered)


def history_words(held: Sequence[Held]) -> str:
    """Return what the fit to history changed about the share of worlds with less war."""
    if not held or held[0][2] is None:
        return ""
    _, after, before = held[0]
    if not (_is_told(before) and _is_told(after)):
        return ""
    now, then = float(after["p_safer"]), float(before["p_safer"])
    much = "next to nothing" if abs(now - then) < _MOVED else "something"
    return f"says {much} ({of_100(then)} without it)"


def beliefs_on_war(ds: xr.Dataset, flashpoint: str) -> list[Held]:
    """Return what every premise says of war under the structure in question."""
    if not has_premises(ds):
        return []
    structure = chosen_structure(ds, chosen_reference(ds))
    found = premises(ds, "war", flashpoints=flashpoint)
    if structure not in found["structure"].values:
        return []
    return _by_premise(found.sel(flashpoint=flashpoint, structure=structure, risk="war"))


def _rows(here: xr.Dataset) -> list[Row]:
    """Return P(safer) by premise, and below it that from the priors alone where it is told."""
    rows: list[Row] = []
    columns = [_by_premise(here.sel(risk=risk)) for risk in RISKS]
    for cells in zip(*columns, strict=True):
        rows.append((cells[0][0], [_text(main) for _, main, _ in cells]))
        alone = [
            _text(prior) if prior is not None and _is_told(prior) and _is_told(main) else "-"
            for _, main, prior in cells
        ]
        if set(alone) != {"-"}:
            rows.append(("  priors alone", alone))
    return rows


def _plain(name: str) -> str:
    return safe(name).replace("_", " ")


def _by_premise(here: xr.Dataset) -> list[Held]:
    """Return for every premise its name, what it says, and what the priors alone say of it."""
    found: dict[str, list[Any]] = {}
    for k, premise in enumerate(here["premise"].values.tolist()):
        found.setdefault(premise, []).append(here.isel(belief=k))
    return [
        (_plain(premise), main, rest[0] if rest else None)
        for premise, (main, *rest) in found.items()
    ]


def _is_told(row: xr.Dataset) -> bool:
    return int(row["says"]) >= Says.VERDICT


def _text(row: xr.Dataset) -> str:
    return chance_text(float(row["p_safer"]), int(row["draws"]), str(row["verdict"].item()))


def _intro(ds: xr.Dataset, found: xr.Dataset) -> str:
    fitted = (
        " The rows 'priors alone' leave the fit to history out: the difference is what that "
        "changed." if uses_posterior(ds) else ""
    )
    least = int(found["draws"].min())
    return (
        f"P(safer) under every premise; that of the first row is the study's own.{fitted} All rows "
        f"share their random numbers; {least:,} draws under other premises, of which chance alone "
        f"moves a share by {1.645 * 0.5 / least**0.5:.2f} or more in one row of ten."
    )
