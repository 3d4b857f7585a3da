"""The table of a sweep, at the centre of everything else, where a study asks for one."""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr

from escalation.analysis.sweep import SweepLine, sweep_lines
from escalation.report.glossary import explained
from escalation.report.text import WIDTH, paragraph, plain_number, safe
from escalation.results.companion import centre_words


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
