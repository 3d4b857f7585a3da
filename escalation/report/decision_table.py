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
from dataclasses import dataclass, field
from pathlib import Path

import xarray as xr

from escalation.analysis.comparison import compare_panel
from escalation.contracts.whole_file import write_whole
from escalation.report.cells import (
    Cell,
    cell_table,
    cells_of,
    chance_words,
    difference_text,
    differs,
    heading,
    labels,
    plain_title,
    reference_of,
)
from escalation.report.glossary import explained
from escalation.report.text import WIDTH, counted, paragraph, safe, share_number, titled
from escalation.report.text import table as text_table
from escalation.results.estimates import panel
from escalation.results.quantities import DECISION, QUANTITIES, Quantity
from escalation.results.support import LEAST_SPREAD, REASONS
from escalation.results.under_rule import under_rule
from escalation.statistics.intervals import zero_upper_bound


@dataclass(frozen=True)
class Paired:
    """One structure against the reference on one risk.

    Attributes
    ----------
    p_safer : float
        Share of draws with a lower risk than the reference, ties one half; NaN where the counts
        do not carry it.
    difference, difference_low, difference_high : float
        Mean over draws of the paired difference, structure minus reference, and its range over
        draws; NaN likewise.
    mc_error : float
        Its Monte Carlo standard error; an upper bound in results without replicates.
    draws : int
        Draws in which both have a value.
    verdict : str
        In a word, see the module.
    """

    p_safer: float
    difference: float
    difference_low: float
    difference_high: float
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
            columns = ("p_safer", "difference", "difference_low", "difference_high",
                       "difference_monte_carlo_se", "verdict")  # fmt: skip
            values = (c[column].values.tolist() for column in columns)
            for structure, *numbers, word in zip(labels(c, "structure"), *values, strict=True):
                p, gap, low, high, error = numbers
                found.setdefault((flashpoint, structure), {})[name] = Paired(
                    p, gap, low, high, error, int(c["draws"]), word
                )
    return found


def format_decision_table(
    ds: xr.Dataset, width: int = WIDTH, *, reference: str | None = None
) -> str:
    """Return the decision table as plain text, no line wider than `width`.

    At every flashpoint the structures with all risks, then the comparison of each structure with
    the reference, then how far chance moves the numbers of both.
    """
    table = decision_table(ds, reference)
    lines = paragraph(
        f"Each number is a median [5–95 %] over {counted(table.draws, 'draw')} of "
        f"{table.trajectories:,} histories each; % means per cent.", width,
    )  # fmt: skip
    if table.draws < LEAST_SPREAD:
        lines += paragraph(
            f"{counted(table.draws, 'draw')}: what is not known has no range here.", width
        )
    if table.reference is None:
        lines += paragraph("No reference structure among the results, so no comparison.", width)
    for flashpoint in table.flashpoints():
        lines += ["", *_flashpoint_lines(table, flashpoint, width)]
    if any(row.comparisons for row in table.rows):
        lines += ["", *paragraph("The risks are not added up: which one counts is for the reader "
                                 "to say.", width)]  # fmt: skip
    return explained(lines, width)


def _flashpoint_lines(table: DecisionTable, flashpoint: str, width: int) -> list[str]:
    here = table.at(flashpoint)
    names = [row.structure + " (ref)" * (row.structure == table.reference) for row in here]
    lines = titled(f"{flashpoint}, {table.horizon_years} years", width)
    lines += cell_table(zip(names, (row.cells for row in here), strict=True), width)
    compared = [row for row in here if row.comparisons]
    if not compared:
        return lines
    rows: list[tuple[str, list[str]]] = []
    errors: list[tuple[str, float | None]] = []
    for row in compared:
        found = [(QUANTITIES[name], c) for name, c in row.comparisons.items()]
        rows.append((row.structure, [share_text(c.p_safer, c.draws, c.verdict) for _, c in found]))
        rows.append(("  mean difference", [difference_text(c, q.scale) for q, c in found]))
        errors += [(plain_title(q), c.mc_error * q.scale if differs(c) else None) for q, c in found]
    head = f"Against {safe(table.reference)}: P(safer) and word; mean difference [5–95 %]"
    lines += ["", *paragraph(head, width)]
    lines += text_table([heading(q) for q in table.quantities], rows, width)
    return lines + paragraph(chance_words("each mean difference", errors), width)


def share_text(p_safer: float, draws: int, verdict: str) -> str:
    """P(safer) and its word, or why there is none."""
    chance = chance_text(p_safer, draws, verdict)
    return chance if verdict in REASONS else f"{chance}\n{verdict}"


def chance_text(p_safer: float, draws: int, verdict: str) -> str:
    """P(safer), a bound where so many draws cannot tell it from none or all; or why there is none.

    >>> chance_text(0.653, 512, "undecided"), chance_text(0.0, 512, "riskier")
    ('.65', '<.01')
    """
    if verdict in REASONS:
        return _SHORT.get(verdict, verdict)
    bound = max(float(zero_upper_bound(draws)), 0.005)
    if p_safer < bound:
        return f"<{share_number(bound)}"
    if p_safer > 1 - bound:
        return f">{share_number(1 - bound)}"
    return share_number(p_safer)


_SHORT = {"too few histories": "few histories"}
"""Words that are too long for a cell."""


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
