"""The same question under every premise: P(safer), and what the fit to history changed about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import xarray as xr

from escalation.analysis.premises import compared_beliefs, premises
from escalation.analysis.selection import chosen_reference, chosen_structure, focus_of
from escalation.errors import EscalationError
from escalation.report.decision_table import chance_text
from escalation.report.text import WIDTH, of_100, paragraph, safe
from escalation.results.companion import uses_posterior
from escalation.results.support import Says

RISKS = ("war", "great_power_war", "nuclear_use")
_NAME, _CELL = 30, 22
_MOVED = 0.05
"""Change of P(safer) below which history says next to nothing about it."""


def has_premises(ds: xr.Dataset) -> bool:
    """Whether results hold anything under other beliefs than those of the run itself."""
    return len(compared_beliefs(ds)) > 1


def format_premises(
    ds: xr.Dataset,
    width: int = WIDTH,
    *,
    brief: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> str:
    """Return P(safer) under every premise as plain text, no line wider than `width`.

    Parameters
    ----------
    ds : Dataset
        Results that hold premises.
    width : int
        Columns.
    brief : bool
        Only the first structure in focus at the first flashpoint; all of them otherwise.
    progress : callable, optional
        As of :func:`escalation.analysis.premises.premises`.
    """
    try:
        reference = chosen_reference(ds)
        structures = focus_of(ds, reference)
    except EscalationError:
        return "There is nothing to compare with a reference."
    points = [str(name) for name in ds["flashpoint"].values]
    points, structures = (points[:1], structures[:1]) if brief else (points, structures)
    found = premises(ds, RISKS, flashpoints=points, progress=progress)
    lines: list[str] = []
    for point in points:
        for structure in structures:
            lines += paragraph(safe(f"{point}: {structure} against {reference}"), width)
            lines.append(_line("", [risk.replace("_", " ") for risk in RISKS]))
            lines += _rows(found.sel(flashpoint=point, structure=structure))
    return "\n".join([*lines, "", *paragraph(_legend(ds, found), width)])


def format_weighted(found: xr.Dataset, width: int = WIDTH) -> str:
    """Return P(safer) under a premise that weights the draws, and that of the run in brackets.

    Parameters
    ----------
    found : Dataset
        From :func:`escalation.analysis.premises.weighted`.
    width : int
        Columns.
    """
    a = found.attrs
    lines: list[str] = []
    for point in found["flashpoint"].values.tolist():
        lines += paragraph(safe(f"{point}: against {a['reference']}"), width)
        lines.append(_line("", [risk.replace("_", " ") for risk in found["risk"].values.tolist()]))
        for structure in found["structure"].values.tolist():
            if structure == a["reference"]:
                continue
            here = found.sel(flashpoint=point, structure=structure)
            lines.append(_line(structure, [
                _weighted_text(here.sel(risk=risk), a["effective"])
                for risk in here["risk"].values.tolist()
            ]))  # fmt: skip
    legend = (
        f"Share of draws with less of the risk than the reference, if {safe(a['premise'])}: the "
        f"draws of the run weighted by that premise, worth {a['effective']:.0f} of them; ± "
        "standard error over draws; in brackets the share in the run as it is."
    )
    return "\n".join([*lines, "", *paragraph(legend, width)])


def _weighted_text(row: xr.Dataset, draws: float) -> str:
    verdict = str(row["verdict"].item())
    if not _is_told(row):
        return chance_text(0.0, 1, verdict)
    mine, own = (
        chance_text(float(row[name]), int(draws), verdict) for name in ("p_safer", "p_safer_own")
    )
    return f"{mine} ±{float(row['p_safer_error']):.2f} ({own})".replace("±0.", "±.")


def premises_words(ds: xr.Dataset, flashpoint: str) -> str:
    """Return in how many of 100 worlds there is less war under the other premises, in words.

    Parameters
    ----------
    ds : Dataset
        Results.
    flashpoint : str
        One of its flashpoints.

    Returns
    -------
    str
        Such as ``92 if pacts deter, 17 if pacts provoke``; empty where nothing is held.
    """
    told = [(name, float(main["p_safer"])) for name, main, _ in _on_war(ds, flashpoint)[1:]
            if _is_told(main)]  # fmt: skip
    ordered = sorted(told, key=lambda pair: -pair[1])
    return ", ".join(f"{of_100(share)} if {name}" for name, share in ordered)


def history_words(ds: xr.Dataset, flashpoint: str) -> str:
    """Return what the fit to history changed about the share of worlds with less war."""
    held = _on_war(ds, flashpoint)
    if not held or held[0][2] is None:
        return ""
    _, after, before = held[0]
    if not (_is_told(before) and _is_told(after)):
        return ""
    now, then = float(after["p_safer"]), float(before["p_safer"])
    much = "next to nothing" if abs(now - then) < _MOVED else "something"
    return f"says {much} about it ({of_100(then)} without it)."


def _on_war(ds: xr.Dataset, flashpoint: str) -> list[tuple[str, Any, Any]]:
    """Return what every premise says of war under the structure in question."""
    if not has_premises(ds):
        return []
    structure = chosen_structure(ds, chosen_reference(ds))
    found = premises(ds, "war", flashpoints=flashpoint)
    if structure not in found["structure"].values:
        return []
    return _by_premise(found.sel(flashpoint=flashpoint, structure=structure, risk="war"))


def _rows(here: xr.Dataset) -> list[str]:
    """Return a line a premise: P(safer), and in brackets that from the priors alone."""
    columns = [_by_premise(here.sel(risk=risk)) for risk in RISKS]
    return [
        _line(cells[0][0], [_pair(main, prior) for _, main, prior in cells])
        for cells in zip(*columns, strict=True)
    ]  # fmt: skip


def _pair(main: xr.Dataset, prior: xr.Dataset | None) -> str:
    """P(safer), and from the priors alone; one reason is enough where the counts carry neither."""
    if prior is None or not _is_told(main):
        return _text(main)
    return f"{_text(main)} ({_text(prior) if _is_told(prior) else '-'})"


def _by_premise(here: xr.Dataset) -> list[tuple[str, Any, Any]]:
    """Return for every premise its name, what it says, and what the priors alone say of it."""
    found: dict[str, list[Any]] = {}
    for k, premise in enumerate(here["premise"].values.tolist()):
        found.setdefault(premise, []).append(here.isel(belief=k))
    return [
        (safe(premise).replace("_", " "), main, rest[0] if rest else None)
        for premise, (main, *rest) in found.items()
    ]


def _line(name: str, cells: list[str]) -> str:
    text = f"  {safe(name).replace('_', ' ')[: _NAME - 3]:<{_NAME - 2}}"
    return (text + "".join(f"{cell:>{_CELL}}" for cell in cells)).rstrip()


def _is_told(row: xr.Dataset) -> bool:
    return int(row["says"]) >= Says.VERDICT


def _text(row: xr.Dataset) -> str:
    return chance_text(float(row["p_safer"]), int(row["draws"]), str(row["verdict"].item()))


def _legend(ds: xr.Dataset, found: xr.Dataset) -> str:
    fitted = (
        ", in brackets that from the priors alone: the difference is what the fit to history "
        "changed" if uses_posterior(ds) else ""
    )
    least = int(found["draws"].min())
    return (
        f"Share of draws in which the structure has less of the risk than the reference{fitted}. "
        "A premise is a set of priors that somebody holds in place of the study's own (its file "
        "says who); the first row are the study's own. All rows share their random numbers; "
        f"{least:,} draws under other premises, of which chance alone moves a share by "
        f"{1.645 * 0.5 / least**0.5:.2f} or more in one row of ten."
    )
