"""The same question under every premise: P(safer), and what the fit to history changed about it."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from escalation.analysis.premises import compared_beliefs, premises
from escalation.analysis.selection import chosen_reference, chosen_structure, focus_of
from escalation.errors import EscalationError
from escalation.report.text import WIDTH, paragraph, safe
from escalation.results.companion import uses_posterior
from escalation.results.support import Says

RISKS = ("war", "great_power_war", "nuclear_use")
_NAME, _CELL = 30, 22


def has_premises(ds: xr.Dataset) -> bool:
    """Whether results hold anything under other beliefs than those of the run itself."""
    return len(compared_beliefs(ds)) > 1


def format_premises(ds: xr.Dataset, width: int = WIDTH, *, brief: bool = False) -> str:
    """Return P(safer) under every premise as plain text, no line wider than `width`.

    Parameters
    ----------
    ds : Dataset
        Results.
    width : int
        Columns.
    brief : bool
        Only the first structure in focus at the first flashpoint; all of them otherwise.
    """
    try:
        reference = chosen_reference(ds)
        structures = focus_of(ds, reference)
    except EscalationError:
        return "There is nothing to compare with a reference."
    points = [str(name) for name in ds["flashpoint"].values]
    points, structures = (points[:1], structures[:1]) if brief else (points, structures)
    found = premises(ds, RISKS, flashpoints=points)
    lines: list[str] = []
    for point in points:
        for structure in structures:
            here = found.sel(flashpoint=point, structure=structure)
            lines += paragraph(safe(f"{point}: {structure} against {reference}"), width)
            heads = (risk.replace("_", " ") for risk in RISKS)
            lines.append(" " * _NAME + "".join(f"{head:>{_CELL}}" for head in heads))
            lines += _rows(here)
    return "\n".join([*lines, "", *paragraph(_legend(ds, found), width)])


def _rows(here: xr.Dataset) -> list[str]:
    """Return a line a premise: P(safer), and in brackets that from the priors alone."""
    lines = []
    for premise in dict.fromkeys(here["premise"].values.tolist()):
        of = here.isel(belief=here["premise"].values == premise)
        fitted = of.isel(belief=of["source"].values == "posterior")
        prior = of.isel(belief=of["source"].values == "prior")
        cells = []
        for risk in RISKS:
            main = fitted if fitted.sizes["belief"] else prior
            text = _chance(main, risk)
            if fitted.sizes["belief"] and prior.sizes["belief"]:
                text += f" ({_chance(prior, risk)})"
            cells.append(f"{text:>{_CELL}}")
        name = safe(premise).replace("_", " ")[: _NAME - 3]
        lines.append(f"  {name:<{_NAME - 2}}{''.join(cells)}")
    return lines


def _chance(rows: xr.Dataset, risk: str) -> str:
    row: Any = rows.sel(risk=risk).isel(belief=0)
    p = float(row["p_safer"])
    if int(row["says"]) < Says.VERDICT or not np.isfinite(p):
        return "too rare"
    return f"{p:.2f}".replace("0.", ".", 1)


def _legend(ds: xr.Dataset, found: xr.Dataset) -> str:
    fitted = (
        ", in brackets that from the priors alone: the difference is what the fit to history "
        "changed" if uses_posterior(ds) else ""
    )
    return (
        f"Share of draws in which the structure has less of the risk than the reference{fitted}. "
        "A premise is a set of priors that somebody holds in place of the study's own (its file "
        "says who); the first row are the study's own. All rows share their random numbers; "
        f"{int(found['draws'].min()):,} draws under other premises, of which chance alone moves a "
        f"share by {1.645 * 0.5 / int(found['draws'].min()) ** 0.5:.2f} or more in one row of ten."
    )


def premises_words(ds: xr.Dataset, flashpoint: str) -> str:
    """Return a sentence on war under the other premises; empty where nothing is held.

    Parameters
    ----------
    ds : Dataset
        Results.
    flashpoint : str
        One of its flashpoints.
    """
    if not has_premises(ds):
        return ""
    structure = chosen_structure(ds, chosen_reference(ds))
    here = premises(ds, "war", flashpoints=flashpoint).sel(
        flashpoint=flashpoint, structure=structure
    )
    parts, own = [], here["premise"].values[0]
    for k, (premise, source) in enumerate(
        zip(here["premise"].values.tolist(), here["source"].values.tolist(), strict=True)
    ):
        text = _chance(here.isel(belief=[k]), "war")
        if premise != own and source == here["source"].values[0] and text != "too rare":
            parts.append(f"{text} under '{safe(premise).replace('_', ' ')}'")
    sentences = [f"Less war in {', '.join(parts)}."] if parts else []
    if here["source"].values[0] == "posterior":
        before = _chance(here.isel(belief=(here["premise"].values == own).nonzero()[0][-1:]), "war")
        after = _chance(here.isel(belief=[0]), "war")
        sentences.append(
            f"The fit to history moved that share from {before} to {after}: it says "
            f"{_much(before, after)} about which structure is safer."
        )
    return " ".join(sentences)


def _much(before: str, after: str) -> str:
    try:
        return "next to nothing" if abs(float(after) - float(before)) < 0.05 else "something"
    except ValueError:
        return "nothing that the counts carry"
