"""The table of a sweep, at the centre of everything else, where a study asks for one."""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr

from escalation.analysis.sweep import SweepLine, sweep_lines
from escalation.report.text import WIDTH, paragraph, plain_number, safe
from escalation.results.companion import centre_words


def format_sweep(ds: xr.Dataset, width: int = WIDTH, *, brief: bool = False) -> str:
    """Return a sweep as plain text, no line wider than `width`.

    Parameters
    ----------
    ds : Dataset
        Results.
    width : int
        Columns.
    brief : bool
        Only the first structure of the sweep beside the reference.
    """
    found = sweep_lines(ds)
    if not found:
        return "The sweep holds no structure to compare with a reference."
    if brief:
        found = [b for b in found if b.structure == found[0].structure]
    rare = _rare(found)
    legend = _legend(ds, found)
    found = [b for b in found if (b.flashpoint, b.event) not in rare]
    lines = []
    for flashpoint, structure in dict.fromkeys((b.flashpoint, b.structure) for b in found):
        here = [b for b in found if (b.flashpoint, b.structure) == (flashpoint, structure)]
        title = f"{flashpoint}: {structure} against {here[0].reference}"
        lines += paragraph(safe(title), width)
        for event in dict.fromkeys(b.event for b in here):
            lines += _event_lines([b for b in here if b.event == event], width)
    if rare:
        names = ", ".join(
            f"{event.replace('_', ' ')} at {flashpoint}" for flashpoint, event in rare
        )
        lines += paragraph(safe(f"too rare to compare: {names}"), width)
    lines += ["", *paragraph(legend, width)]
    return "\n".join(lines)


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


def _legend(ds: xr.Dataset, found: list[SweepLine]) -> str:
    points = ds.sizes["sweep_point"]
    return (
        f"One parameter at a time over {points} points, the others at {centre_words(ds)}, "
        f"{int(ds.attrs['sweep_trajectories']):,} histories a point, the same random numbers. "
        "'flips where x > v': above v there is more of the event than under "
        f"{safe(found[0].reference)}, below it less ('x < v': the other way round). "
        "± standard error of v, an upper bound. A point is clear if the difference there "
        "exceeds its Monte Carlo error; more or less over the whole range: at least half of the "
        "points are clear and all of those agree; no clear crossing: fewer are."
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
