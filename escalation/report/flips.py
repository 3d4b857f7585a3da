"""What drives a difference and what flips it, from the draws and from a sweep, as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from escalation.analysis.comparison import quantity_of
from escalation.analysis.drivers import Gaps, find_gaps, thresholds_of
from escalation.analysis.findings import Findings
from escalation.analysis.selection import choose, chosen_reference, focus_of
from escalation.analysis.sweep import SweepLine, sweep_lines
from escalation.errors import EscalationError
from escalation.report.glossary import explained
from escalation.report.text import WIDTH, paragraph, plain_number, safe, share_number, short_number
from escalation.results.companion import centre_words
from escalation.results.quantities import Quantity
from escalation.statistics.boxes import limits_text

BREAK_EVEN_RISKS = ("war", "great_power_war")
MOST = 5
LEAST_TOTAL = 0.02


def flip_lines(found: Findings, flashpoint: str, width: int) -> list[str]:
    """Return lines on every risk at a flashpoint."""
    d = found.drivers.sel(flashpoint=flashpoint)
    structure, reference = d.attrs["structure"], d.attrs["reference"]
    head = f"{safe(structure)} against {safe(reference)}: what drives it, what flips it"
    lines = paragraph(head, width)
    none: dict[str, list[str]] = {}
    for name in d["risk"].values.tolist():
        here, risk = d.sel(risk=name), quantity_of(name)
        if here["reason"].item():
            none.setdefault(here["reason"].item(), []).append(risk.title)
            continue
        flips = threshold_texts(found.thresholds, flashpoint, name)[:MOST]
        for i, text in enumerate(_texts(here, risk, flips)):
            head = f"  {name.replace('_', ' '):<17}" if i == 0 else " " * 19
            lines += paragraph(text, width, head, " " * 21)
    for reason, titles in none.items():
        lines += paragraph(f"{reason}: {', '.join(titles)}", width, "  ", "  ")
    return lines


def threshold_rows(found: xr.Dataset, flashpoint: str, risk: str) -> list[Any]:
    """Return the thresholds of one difference as named tuples, the weightiest first."""
    here = (found["flashpoint"] == flashpoint) & (found["risk"] == risk)
    return list(found.isel(threshold=here.values).to_dataframe().itertuples(index=False))


def threshold_texts(found: xr.Dataset, flashpoint: str, risk: str) -> list[str]:
    """Return thresholds, each such as ``pact_delay_days > 12.4 (9.6 to 14.8)``."""
    return [
        f"{safe(t.parameter)} {'>' if t.rises else '<'} {plain_number(t.value)} "
        f"[{plain_number(t.low)} to {plain_number(t.high)}]"
        for t in threshold_rows(found, flashpoint, risk)
    ]


def largest(d: xr.Dataset, name: str, most: int) -> list[str]:
    """Return the parameters in which a variable is largest, those without a value left out."""
    known = d.dropna("parameter", subset=[name])
    order = np.argsort(-known[name].values, kind="stable")[:most]
    return [str(known["parameter"].values[k]) for k in order]


def _texts(d: xr.Dataset, risk: Quantity, flips: list[str]) -> list[str]:
    texts = [_driven_by(d)]
    texts.append(f"flips where {'; '.join(flips)}" if flips else "no single parameter flips it")
    if float(d["box_cv_density"]) > 0.5:
        limits = d[["box_low", "box_high"]].dropna("parameter")
        where = limits_text(
            [str(name) for name in limits["parameter"].values],
            limits["box_low"].values, limits["box_high"].values,
        )  # fmt: skip
        coverage, density, again, overall = (
            share_number(d[f"box_{name}"])
            for name in ("coverage", "density", "cv_density", "base_rate")
        )
        texts.append(
            f"reversed where {safe(where)}: coverage {coverage}, density {density} (on draws not "
            f"seen {again}; overall {overall})"
        )
    texts.append(_knowing(d, risk.scale, "" if risk.scale == 1 else " points"))
    return texts


def _driven_by(d: xr.Dataset) -> str:
    if float(d["explained"]) <= 0:
        return "no driver stands out from chance"
    parts = []
    for name in largest(d, "total", MOST):
        p = d.sel(parameter=name)
        if float(p["total"]) >= LEAST_TOTAL:
            parts.append(
                f"{safe(name)} {share_number(p['total'])} ({share_number(p['total_low'])}–"
                f"{share_number(p['total_high'])}), first {share_number(p['first'])}"
            )
    if not parts:
        return "no driver stands out from chance"
    return f"total: {'; '.join(parts)}; explained {share_number(d['explained'])}"


def _knowing(d: xr.Dataset, scale: float, unit: str) -> str:
    worth = {name: float(d["evppi"].sel(parameter=name)) for name in largest(d, "evppi", 3)}
    parts = [f"{safe(name)} {short_number(x * scale)}" for name, x in worth.items() if x > 0]
    evpi, low, high = (
        short_number(float(d[name]) * scale) for name in ("evpi", "evpi_low", "evpi_high")
    )
    text = f"for this choice, knowing everything is worth {evpi}{unit} ({low} to {high})"
    return f"{text}; alone: {', '.join(parts)}" if parts else text


def format_confirmed(found: xr.Dataset, width: int = WIDTH) -> str:
    """Return what pinning says of drivers and break-even values, a line each.

    Parameters
    ----------
    found : Dataset
        From :func:`escalation.confirm`.
    width : int
        Columns.
    """
    a = found.attrs
    head = f"{a['flashpoint']}, {a['risk'].replace('_', ' ')}: {a['structure']} minus "
    lines = paragraph(
        "Each parameter is set to a number in every draw, with the same draws of all others and "
        "the same random numbers; ± is one standard error over draws. A break-even value, at "
        "which the difference flips, is confirmed if the difference has the sign that it says on "
        "either side (5 % each), a driver, which moves it, if the difference moves (1 %).",
        width,
    )
    lines += ["", *paragraph(safe(head + a["reference"]), width)]
    for row in found.to_dataframe().itertuples(index=False):
        what = "driver" if row.kind == "driver" else f"flips at {plain_number(row.value)}"
        ends = "; ".join(
            f"{_signed(100 * d)} ±{plain_number(100 * e)} points at {plain_number(x)}"
            for d, e, x in (
                (row.low_difference, row.low_difference_error, row.low_value),
                (row.high_difference, row.high_difference_error, row.high_value),
            )
        )
        word = "confirmed" if row.confirmed else "not confirmed"
        lines += paragraph(f"{safe(row.parameter)}, {what}: {ends}: {word}", width, "  ", "    ")
    if not found.sizes["pin"]:
        lines.append("  no parameter stands out from chance")
    return explained(lines, width)


def _signed(value: float) -> str:
    return f"{'+' if value > 0 else ''}{plain_number(value)}"


def format_break_even(ds: xr.Dataset, width: int = WIDTH) -> str:
    """Return the break-even values as plain text, no line wider than `width`.

    Parameters
    ----------
    ds : Dataset
        Results.
    width : int
        Columns.
    """
    try:
        reference = chosen_reference(ds)
        structures = focus_of(ds, reference)
    except EscalationError:
        words = "There is nothing to compare with a reference: no break-even values."
        return explained(paragraph(words, width), width)
    lines = paragraph(
        "From the draws, each parameter by itself with all others averaged out; in brackets the "
        "95 % interval, the weightiest first. Values beyond the middle 96 % of the draws are not "
        "seen.", width,
    )  # fmt: skip
    for name in structures:
        chosen = choose(ds, BREAK_EVEN_RISKS, structure=name, loss={})
        gaps = find_gaps(ds, chosen)
        found = thresholds_of(chosen, gaps)
        for flashpoint in chosen.flashpoints:
            lines += ["", *paragraph(safe(f"{flashpoint}: {name} against {reference}"), width)]
            lines += _break_even_lines(gaps, found, flashpoint, width)
    return explained(lines, width)


def _break_even_lines(gaps: Gaps, found: xr.Dataset, flashpoint: str, width: int) -> list[str]:
    texts: dict[str, list[str]] = {}
    for risk in BREAK_EVEN_RISKS:
        gap, flips = gaps[flashpoint, risk], threshold_texts(found, flashpoint, risk)
        text = f"flips where {'; '.join(flips)}" if flips else "no single parameter flips it"
        texts.setdefault(gap if isinstance(gap, str) else text, []).append(risk.replace("_", " "))
    lines = []
    for text, risks in texts.items():
        if len(risks) > 1:
            lines += paragraph(f"{', '.join(risks)}: {text}", width, "  ", "  ")
        else:
            lines += paragraph(text, width, f"  {risks[0]:<17}", " " * 21)
    return lines


def format_sweep(ds: xr.Dataset, width: int = WIDTH) -> str:
    """Return a sweep as plain text, no line wider than `width`.

    Parameters
    ----------
    ds : Dataset
        Results.
    width : int
        Columns.
    """
    found = sweep_lines(ds)
    if not found:
        words = "The sweep holds no structure to compare with a reference."
        return explained(paragraph(words, width), width)
    rare = _rare(found)
    lines = paragraph(_intro(ds), width)
    found = [b for b in found if (b.flashpoint, b.event) not in rare]
    for flashpoint, structure in dict.fromkeys((b.flashpoint, b.structure) for b in found):
        here = [b for b in found if (b.flashpoint, b.structure) == (flashpoint, structure)]
        title = f"{flashpoint}: {structure} against {here[0].reference}"
        lines += ["", *paragraph(safe(title), width)]
        for event in dict.fromkeys(b.event for b in here):
            lines += _event_lines([b for b in here if b.event == event], width)
    if rare:
        names = ", ".join(
            f"{event.replace('_', ' ')} at {flashpoint}" for flashpoint, event in rare
        )
        lines += paragraph(safe(f"too rare to compare: {names}"), width)
    return explained(lines, width)


def _rare(found: Sequence[SweepLine]) -> list[tuple[str, str]]:
    """Flashpoints and events that are too rare along every parameter."""
    pairs = dict.fromkeys((b.flashpoint, b.event) for b in found)
    silent = ("too rare", "no hits")
    return [
        pair for pair in pairs
        if all(b.verdict in silent for b in found if (b.flashpoint, b.event) == pair)
    ]  # fmt: skip


def _event_lines(found: list[SweepLine], width: int) -> list[str]:
    """Write the flips of one event, one a line, then what does not flip it."""
    event = found[0].event.replace("_", " ")
    flips = [b for b in found if b.verdict == "flips"]
    parts = [line_text(b) for b in flips]
    for verdict, words in _VERDICTS.items():
        same = [b for b in found if b.verdict == verdict]
        if same:
            parts.append(f"{words}: {', '.join(_with_range(b) for b in same)}")
    lines = []
    for i, part in enumerate(parts):
        head = f"  {event:<17}" if i == 0 else " " * 19
        lines += paragraph(part, width, head, " " * 21)
    return lines


_VERDICTS = {
    "always more": "more over the whole range of",
    "always less": "less over the whole range of",
    "no clear crossing": "no clear crossing along",
    "identical": "exactly the same along",
    "too rare": "too rare to compare along",
    "no hits": "no hits along",
}


def _with_range(b: SweepLine) -> str:
    return f"{safe(b.parameter)} ({plain_number(b.values[0])} to {plain_number(b.values[-1])})"


def _intro(ds: xr.Dataset) -> str:
    points = ds.sizes["sweep_point"]
    return (
        f"One parameter at a time takes {points} values, the others at {centre_words(ds)}, with "
        f"{int(ds.attrs['sweep_trajectories']):,} histories a value and the same random numbers. "
        "± is the standard error of v, an upper bound. A value is clear if the difference there "
        "exceeds its error by chance; more or less over the whole range: at least half of the "
        "values are clear and all of those agree; no clear crossing: fewer are."
    )


def line_text(b: SweepLine) -> str:
    """Return a finding in a few words, such as ``flips where x > 0.06 ±0.02``."""
    name = safe(b.parameter)
    if b.verdict != "flips":
        return f"{name}: {b.verdict}"
    parts = [
        f"{name} {'>' if c.rises else '<'} {plain_number(c.value)} ±{plain_number(c.error)}"
        for c in b.crossings
    ]
    return f"flips where {', again where '.join(parts)}"
