"""Which assumption flips the answer: break-even values from the one-at-a-time sweep.

At every point of a sweep the difference d = (hits under the structure - hits under the
reference) / trajectories has a Monte Carlo error of at most that of independent samples,
because both sides use the same random numbers. What counts as a change of sign is said in
:mod:`escalation.results.crossings`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from escalation.errors import InputError
from escalation.report.cells import labels, reference_of
from escalation.report.text import WIDTH, paragraph, plain_number, safe
from escalation.results.companion import centre_words
from escalation.results.crossings import CLEAR_ERRORS, Crossing, find_crossings
from escalation.results.support import Says, Support, of_sweep
from escalation.statistics.intervals import binomial_se

BREAK_EVEN_EVENTS = ("war", "great_power_war")


@dataclass(frozen=True)
class BreakEven:
    """One structure against the reference along one parameter.

    Attributes
    ----------
    flashpoint, structure, reference, event, parameter : str
        What is compared.
    values, differences, errors : array (point,)
        Sorted values of the parameter, difference in probability there (structure minus
        reference) and its standard error (an upper bound).
    crossings : tuple of Crossing
        Clear changes of sign; none where the counts carry no comparison.
    verdict : str
        ``flips``, ``always more``, ``always less`` (at least half of the points are clear and
        all of those agree), ``identical``, ``no clear crossing`` (fewer are), ``too rare`` or
        ``no hits``.
    """

    flashpoint: str
    structure: str
    reference: str
    event: str
    parameter: str
    values: np.ndarray
    differences: np.ndarray
    errors: np.ndarray
    crossings: tuple[Crossing, ...]
    verdict: str

    def text(self) -> str:
        """Return the finding in a few words, such as ``flips where x > 0.06 ±0.02``."""
        name = safe(self.parameter)
        if self.verdict != "flips":
            return f"{name}: {self.verdict}"
        parts = [
            f"{name} {'>' if c.rises else '<'} {plain_number(c.value)} ±{plain_number(c.error)}"
            for c in self.crossings
        ]
        return f"flips where {', again where '.join(parts)}"


def has_sweep(ds: xr.Dataset) -> bool:
    """Whether the results hold a sweep with something to compare."""
    return "sweep_event_count" in ds and "sweep_value" in ds


def break_evens(
    ds: xr.Dataset,
    events: Sequence[str] = BREAK_EVEN_EVENTS,
    *,
    reference: str | None = None,
) -> list[BreakEven]:
    """Break-even values of every flashpoint, structure, event and swept parameter.

    Parameters
    ----------
    ds : Dataset
        Results; an empty list comes back if they hold no sweep or no reference in it.
    events : sequence of str
        Which events.
    reference : str, optional
        Structure to compare with; that of the study if not given.

    Raises
    ------
    InputError
        Unknown event or reference.
    """
    if not has_sweep(ds):
        return []
    known = labels(ds, "event")
    for event in events:
        if event not in known:
            raise InputError(f"unknown event {event!r}; choices: {', '.join(known)}")
    base = reference_of(ds, reference)
    structures = labels(ds, "sweep_structure")
    if base not in structures or base is None:
        return []
    return [
        _break_even(ds, flashpoint, structure, base, event, parameter)
        for flashpoint in labels(ds, "flashpoint")
        for structure in structures
        if structure != base
        for event in events
        for parameter in labels(ds, "sweep_parameter")
    ]


def _break_even(
    ds: xr.Dataset, flashpoint: str, structure: str, base: str, event: str, parameter: str
) -> BreakEven:
    n = int(ds.attrs["sweep_trajectories"])
    values = ds["sweep_value"].sel(sweep_parameter=parameter).values.astype(float)
    counts = ds["sweep_event_count"].sel(
        flashpoint=flashpoint, sweep_parameter=parameter, event=event
    )
    order = np.argsort(values, kind="stable")
    hits = counts.sel(sweep_structure=structure).values.astype(float)[order]
    base_hits = counts.sel(sweep_structure=base).values.astype(float)[order]
    differences = (hits - base_hits) / n
    errors = np.hypot(binomial_se(hits, n), binomial_se(base_hits, n))
    carried = of_sweep(np.stack([hits, base_hits]), n)
    crossings: tuple[Crossing, ...] = ()
    if carried.says is Says.VERDICT:
        crossings = find_crossings(values[order], differences, errors)
    return BreakEven(
        flashpoint,
        structure,
        base,
        event,
        parameter,
        values[order],
        differences,
        errors,
        crossings,
        _verdict(carried, differences, errors, crossings),
    )


def _verdict(
    carried: Support,
    differences: np.ndarray,
    errors: np.ndarray,
    crossings: tuple[Crossing, ...],
) -> str:
    if crossings:
        return "flips"
    if carried.reason:
        return carried.reason
    clear = differences[np.abs(differences) > CLEAR_ERRORS * errors]
    if len(clear) < len(differences) / 2:
        return "no clear crossing"
    return "always more" if clear[0] > 0 else "always less"


def format_break_even(ds: xr.Dataset, width: int = WIDTH, *, brief: bool = False) -> str:
    """Return the break-even values as plain text, no line wider than `width`.

    Parameters
    ----------
    ds : Dataset
        Results.
    width : int
        Columns.
    brief : bool
        Only the first structure of the sweep beside the reference.
    """
    if not has_sweep(ds):
        return "No sweep among the results, so no break-even values."
    found = break_evens(ds)
    if not found:
        return "The sweep holds no structure to compare with a reference: no break-even values."
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


def _rare(found: Sequence[BreakEven]) -> list[tuple[str, str]]:
    """Flashpoints and events that are too rare along every parameter."""
    places = dict.fromkeys((b.flashpoint, b.event) for b in found)
    silent = ("too rare", "no hits")
    return [
        place for place in places
        if all(b.verdict in silent for b in found if (b.flashpoint, b.event) == place)
    ]  # fmt: skip


def _event_lines(found: list[BreakEven], width: int) -> list[str]:
    """Write the flips of one event, one a line, then what does not flip it."""
    event = found[0].event.replace("_", " ")
    flips = [b for b in found if b.verdict == "flips"]
    parts = [b.text() for b in flips]
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


def _with_range(b: BreakEven) -> str:
    return f"{safe(b.parameter)} ({plain_number(b.values[0])} to {plain_number(b.values[-1])})"


def _legend(ds: xr.Dataset, found: list[BreakEven]) -> str:
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
