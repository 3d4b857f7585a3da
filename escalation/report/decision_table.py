"""The decision table: every structure at every flashpoint, risk by risk, no single score.

Paired comparison. Draw `j` uses the same parameters and the same random numbers under every
structure, so differences are taken draw by draw (:mod:`escalation.analysis.comparison`).
``p_safer`` is the chance over draws that the structure's risk is lower than that of the
reference, the Monte Carlo part removed, ties counting one half. Its word:

safer, riskier
    in at least 80 % of draws, and the mean difference points the same way by more than two
    Monte Carlo standard errors;
undecided
    anything else;
too few histories, too rare, identical, too few draws, no hits
    the counts do not carry a word (:mod:`escalation.results.support`).
"""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import xarray as xr

from escalation.analysis.comparison import CLEAR_ERRORS, CLEAR_SHARE, compare_panel
from escalation.contracts.whole_file import write_whole
from escalation.report.cells import Cell, cells_of, labels, reference_of
from escalation.report.text import (
    WIDTH,
    counted,
    error_number,
    line_of,
    paragraph,
    safe,
    signed,
    wrapped_name,
)
from escalation.results.estimates import panel
from escalation.results.quantities import DECISION, QUANTITIES, Quantity
from escalation.results.support import LEAST_DRAWS, LEAST_HITS, LEAST_SPREAD, REASONS
from escalation.results.under_rule import under_rule
from escalation.statistics.intervals import zero_upper_bound

CELL_WIDTH = 14
@dataclass(frozen=True)
class Paired:
    """One structure against the reference on one risk.

    Attributes
    ----------
    p_safer : float
        Share of draws with a lower risk than the reference, ties one half; NaN where the counts
        do not carry it.
    difference : float
        Mean over draws of the paired difference, structure minus reference; NaN likewise.
    mc_error : float
        Its Monte Carlo standard error; an upper bound in results without replicates.
    draws : int
        Draws in which both have a value.
    verdict : str
        In a word, see the module.
    """

    p_safer: float
    difference: float
    mc_error: float
    draws: int
    verdict: str


@dataclass(frozen=True)
class Row:
    """One structure at one flashpoint; cells and comparisons by quantity.

    ``comparisons`` is empty for the reference and where there is none.
    """

    flashpoint: str
    structure: str
    cells: dict[str, Cell]
    comparisons: dict[str, Paired] = field(default_factory=dict)


@dataclass(frozen=True, repr=False)
class DecisionTable:
    """All rows, by flashpoint and then structure, and what they have in common."""

    rows: tuple[Row, ...]
    quantities: tuple[Quantity, ...]
    reference: str | None
    horizon_years: int
    draws: int
    trajectories: int

    def __repr__(self) -> str:
        columns = ", ".join(quantity.name for quantity in self.quantities)
        return (f"<DecisionTable: {len(self.rows)} rows at {len(self.flashpoints())} flashpoints, "
                f"{self.draws} draws x {self.trajectories} trajectories: {columns}>")

    def flashpoints(self) -> list[str]:
        """Flashpoints in order."""
        return list(dict.fromkeys(row.flashpoint for row in self.rows))

    def at(self, flashpoint: str) -> list[Row]:
        """Rows of one flashpoint."""
        return [row for row in self.rows if row.flashpoint == flashpoint]


def decision_table(
    ds: xr.Dataset, reference: str | None = None, rule: str | None = None
) -> DecisionTable:
    """Cells of every risk and paired comparisons with the reference.

    Parameters
    ----------
    ds : Dataset
        Results; derived variables are not needed.
    reference : str, optional
        Structure to compare with; that of the study if not given.
    rule : str, optional
        Decision rule; the headline rule if not given.

    Raises
    ------
    InputError
        Unknown reference or rule.
    ResultsError
        Counts are missing.

    Examples
    --------
    >>> table = decision_table(ds)
    >>> table.reference, len(table.rows)
    ('hub_and_spoke', 8)
    """
    ds = under_rule(ds, rule)
    base = reference_of(ds, reference)
    against = {} if base is None else _compared(ds, base)
    return DecisionTable(
        rows=tuple(
            Row(*at, cells, {} if at[1] == base else against.get(at, {}))
            for at, cells in cells_of(ds, DECISION).items()
        ),
        quantities=tuple(QUANTITIES[name] for name in DECISION),
        reference=base,
        horizon_years=int(ds.attrs["horizon_years"]),
        draws=ds.sizes["draw"],
        trajectories=int(ds.attrs["trajectories"]),
    )


def _compared(ds: xr.Dataset, base: str) -> dict[tuple[str, str], dict[str, Paired]]:
    """Comparisons with `base` by flashpoint and structure, and in them by quantity."""
    found: dict[tuple[str, str], dict[str, Paired]] = {}
    for flashpoint in labels(ds, "flashpoint"):
        for name in DECISION:
            c = compare_panel(panel(ds, QUANTITIES[name], flashpoint), base)
            columns = ("p_safer", "difference", "difference_monte_carlo_se", "verdict")
            values = (c[column].values.tolist() for column in columns)
            for structure, p, gap, error, word in zip(labels(c, "structure"), *values, strict=True):
                found.setdefault((flashpoint, structure), {})[name] = Paired(
                    p, gap, error, int(c["draws"]), word
                )
    return found


def format_decision_table(
    ds: xr.Dataset, width: int = WIDTH, *, reference: str | None = None
) -> str:
    """Return the decision table as plain text, no line wider than `width` (at least 100).

    Per structure two lines: the median over draws with the Monte Carlo error, and the 5 to
    95 % range over draws. Then, per structure, the comparison with the reference.
    """
    table = decision_table(ds, reference)
    name_width = max(width, WIDTH) - CELL_WIDTH * len(table.quantities)
    lines: list[str] = []
    for flashpoint in table.flashpoints():
        if lines:
            lines.append("")
        lines += _flashpoint_lines(table, flashpoint, name_width, max(width, WIDTH))
    lines += ["", *_legend(table, max(width, WIDTH))]
    return "\n".join(lines)


def _flashpoint_lines(
    table: DecisionTable, flashpoint: str, name_width: int, width: int
) -> list[str]:
    title = f"{safe(flashpoint)}, {table.horizon_years} years"
    lines = [title[:width], "-" * min(len(title), width)]
    lines += heading_lines(table.quantities, name_width)
    for row in table.at(flashpoint):
        mark = " (ref)" if row.structure == table.reference else ""
        lines += cell_lines(row.structure + mark, row.cells.values(), name_width)
    compared = [row for row in table.at(flashpoint) if row.comparisons]
    if compared:
        lines.append("")
        against = f"Against {safe(table.reference)}: P(safer) and word; mean difference ±"
        lines += paragraph(against, width)
        for row in compared:
            lines += _comparison_lines(row, name_width)
    return lines


def heading_lines(quantities: Iterable[Quantity], name_width: int) -> list[str]:
    """Two lines of column headings."""
    headings = zip(*(q.heading for q in quantities), strict=True)
    return [line_of("", list(line), name_width, CELL_WIDTH) for line in headings]


def cell_lines(name: str, cells: Iterable[Cell], name_width: int) -> list[str]:
    """Two lines: values with their errors, and the spread over draws."""
    shown = list(cells)
    rows = [[cell.value_text() for cell in shown], [cell.spread_text() for cell in shown]]
    return _named(name, rows, name_width)


def _comparison_lines(row: Row, name_width: int) -> list[str]:
    found = [(QUANTITIES[name], c) for name, c in row.comparisons.items()]
    words = [share_text(c.p_safer, c.draws, c.verdict) for _, c in found]
    differences = [_difference_text(c, q.scale) for q, c in found]
    return _named(row.structure, [words, differences], name_width)


def _named(name: str, rows: list[list[str]], name_width: int) -> list[str]:
    names = wrapped_name(name, name_width - 1, len(rows))
    lines = [
        line_of(n, cells, name_width, CELL_WIDTH) for n, cells in zip(names, rows, strict=True)
    ]
    return [line for line in lines if line]


def share_text(p_safer: float, draws: int, verdict: str) -> str:
    """P(safer) and its word, or why there is none."""
    chance = chance_text(p_safer, draws, verdict)
    return chance if verdict in REASONS else f"{chance} {verdict}"


def chance_text(p_safer: float, draws: int, verdict: str) -> str:
    """P(safer), a bound where so many draws cannot tell it from none or all; or why there is none.

    >>> chance_text(0.653, 512, "undecided"), chance_text(0.0, 512, "riskier")
    ('.65', '<.01')
    """
    if verdict in REASONS:
        return _SHORT.get(verdict, verdict)
    bound = max(float(zero_upper_bound(draws)), 0.005)
    if p_safer < bound:
        share = f"<{bound:.2f}"
    elif p_safer > 1 - bound:
        share = f">{1 - bound:.2f}"
    else:
        share = f"{p_safer:.2f}"
    return share.replace("0.", ".", 1)


_SHORT = {"too few histories": "few histories"}
"""Words that are too long for a cell."""


def _difference_text(c: Paired, scale: float) -> str:
    if not math.isfinite(c.difference):
        return ""
    if c.verdict == "identical":
        return "exactly 0"
    return f"{signed(c.difference * scale)} ±{error_number(c.mc_error * scale)}"


def _legend(table: DecisionTable, width: int) -> list[str]:
    text = [
        f"{counted(table.draws, 'parameter draw')} x {table.trajectories:,} histories per cell. "
        "Per structure: median over draws ± Monte Carlo standard error of the mean over draws; "
        "below it [5–95 % of draws], which is parameter uncertainty (Monte Carlo part "
        "removed). % = per cent of histories, or of what stands behind the bar. "
        "<x: no hit, upper bound (95 %), within [ ] that of one draw; m: fewer than 10 hits in "
        "most draws, so the mean instead of the median; [≤x]: no hit at the lower end. -: nothing "
        "to count."
    ]
    cells = [cell for row in table.rows for cell in row.cells.values()]
    if any(cell.full for cell in cells):
        text.append(">x: nothing but hits, lower bound (95 %).")
    if any("?" in cell.value_text() for cell in cells):
        text.append("±?: too few histories per draw to tell chance from what is not known.")
    if table.draws < LEAST_SPREAD:
        text.append(
            f"{counted(table.draws, 'draw')}: no spread over parameters is known, only the Monte "
            "Carlo error."
        )
    if table.reference is None:
        text.append("No reference structure among the results, so no comparison.")
    elif any(row.comparisons for row in table.rows):
        text.append(
            "P(safer): chance over draws of a lower risk than the reference, same draws and same "
            "random numbers, Monte Carlo part removed, ties half. safer, riskier: in "
            f"{100 * CLEAR_SHARE:.0f} % of draws or more, and the mean difference beyond "
            f"{CLEAR_ERRORS:g} errors the same way; "
            "undecided: otherwise. Mean difference in per cent points (disputes: per year) ± its "
            "Monte Carlo error. The risks are not added up: which one counts is "
            "for the reader to say."
        )
        said = {c.verdict for row in table.rows for c in row.comparisons.values()}
        text += [f"{words}." for reason, words in _WHY_NOT.items() if reason in said]
    return [line for part in text for line in paragraph(part, width)]


_WHY_NOT = {
    "too few histories": "few histories: too few per draw to tell a difference from chance",
    "too rare": f"too rare: fewer than {LEAST_HITS} hits (or misses) under both",
    "too few draws": f"too few draws: fewer than {LEAST_DRAWS}, so that a share of them says "
    "nothing",
}


CSV_COLUMNS = (
    "flashpoint", "structure", "metric", "median", "draws_5_percent", "draws_95_percent", "mean",
    "mc_error_of_mean", "hits", "trials", "upper_bound_95_if_no_hit", "draws", "reference",
    "p_safer", "mean_difference", "difference_mc_error", "verdict",
)


def write_decision_csv(
    ds: xr.Dataset, path: str | os.PathLike[str], *, reference: str | None = None
) -> Path:
    """Write the decision table as CSV, one line per flashpoint, structure and metric.

    Shares are fractions, not per cent. A median or quantile of zero is written as ``<bound``,
    never as 0. Whole or not at all.

    Raises
    ------
    InputError
        The path cannot be used.
    """
    table = decision_table(ds, reference)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for row in table.rows:
        for name in row.cells:
            writer.writerow(_csv_cells(table, row, name))
    return write_whole(path, buffer.getvalue().encode("utf-8"))


def _csv_cells(table: DecisionTable, row: Row, name: str) -> list[str]:
    e, c = row.cells[name], row.comparisons.get(name)
    zero_bound = e.bound if e.hits == 0 else e.draw_bound
    cells = [_csv_name(row.flashpoint), _csv_name(row.structure), name]
    cells += [_csv_number(x, zero_bound) for x in (e.median, e.low, e.high, e.mean)]
    cells += [_csv_number(e.monte_carlo_se), f"{e.hits:.0f}", _csv_number(e.trials)]
    cells += [_csv_number(e.bound) if e.hits == 0 else "", str(e.draws)]
    cells.append(_csv_name(table.reference or ""))
    if c is None:
        return [*cells, "", "", "", ""]
    return [
        *cells, _csv_number(c.p_safer), _csv_number(c.difference), _csv_number(c.mc_error),
        c.verdict,
    ]


def _csv_number(value: float, zero_bound: float | None = None) -> str:
    if not math.isfinite(value):
        return ""
    if value == 0 and zero_bound is not None:
        return f"<{zero_bound:.6g}" if math.isfinite(zero_bound) else ""
    return f"{value:.6g}"


def _csv_name(name: str) -> str:
    """Keep a spreadsheet from running a name as a formula."""
    text = safe(name)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
