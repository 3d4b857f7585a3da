"""Prior against posterior: how the fit to history moved the headline risks.

Both rows of a structure show the same risk at the same flashpoint under the same rules and
random numbers; only the parameters differ. The prior rows come from a smaller run
(:mod:`escalation.results.companion`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import xarray as xr

from escalation.report.cells import Cell, cells_of, reference_of
from escalation.report.decision_table import CELL_WIDTH, cell_lines, heading_lines
from escalation.report.text import WIDTH, counted, paragraph, safe
from escalation.results.companion import prior_companion
from escalation.results.quantities import DECISION, QUANTITIES


@dataclass(frozen=True)
class Contrast:
    """One structure at one flashpoint; cells under prior and posterior by quantity."""

    flashpoint: str
    structure: str
    prior: dict[str, Cell]
    posterior: dict[str, Cell]


def contrasts(ds: xr.Dataset) -> list[Contrast]:
    """Headline risks under prior and posterior, by flashpoint and then structure.

    Parameters
    ----------
    ds : Dataset
        Results with a prior companion; derived variables are not needed.

    Raises
    ------
    ResultsError
        No posterior was used.
    """
    before, after = cells_of(prior_companion(ds), DECISION), cells_of(ds, DECISION)
    return [Contrast(*at, prior, after[at]) for at, prior in before.items()]


def format_prior_posterior(ds: xr.Dataset, width: int = WIDTH, *, brief: bool = False) -> str:
    """Return headline risks under prior and posterior as plain text.

    Parameters
    ----------
    ds : Dataset
        Results with a prior companion.
    width : int
        Columns, at least 100.
    brief : bool
        The reference structure only.

    Raises
    ------
    ResultsError
        No posterior was used.
    """
    width = max(width, WIDTH)
    name_width = width - CELL_WIDTH * len(DECISION)
    shown = contrasts(ds)
    if brief:
        shown = [c for c in shown if c.structure == (reference_of(ds) or shown[0].structure)]
    lines: list[str] = []
    for flashpoint in dict.fromkeys(c.flashpoint for c in shown):
        if not lines or not brief:
            lines += ["", *heading_lines([QUANTITIES[q] for q in DECISION], name_width)]
        for contrast in (c for c in shown if c.flashpoint == flashpoint):
            lines += _contrast_lines(contrast, name_width, width)
    return "\n".join([*lines[1:], "", *_legend(ds, width)])


def _contrast_lines(contrast: Contrast, name_width: int, width: int) -> list[str]:
    lines = paragraph(safe(f"{contrast.flashpoint}: {contrast.structure}"), width)
    prior, posterior = contrast.prior, contrast.posterior
    for name, mine, other in (("prior", prior, posterior), ("posterior", posterior, prior)):
        shown = [_alike(cell, other[quantity]) for quantity, cell in mine.items()]
        lines += cell_lines(f"  {name}", shown, name_width)
    return lines


def _alike(mine: Cell, other: Cell) -> Cell:
    """Have the mean shown where the other side shows one, its median being too coarse."""
    return replace(mine, sparse=True, centre=mine.mean) if other.sparse and other.hits > 0 else mine


def _legend(ds: xr.Dataset, width: int) -> list[str]:
    prior = (
        f"{counted(ds.sizes['companion_draw'], 'draw')} x "
        f"{int(ds.attrs['companion_trajectories']):,} histories per cell"
    )
    posterior = f"{counted(ds.sizes['draw'], 'draw')} x {int(ds.attrs['trajectories']):,}"
    return paragraph(
        "Median over draws ± Monte Carlo standard error of the mean over draws, below it [5–95 % "
        f"of draws], within {int(ds.attrs['horizon_years'])} years. prior: every parameter from "
        f"its prior, {prior}; posterior: as in the table above, {posterior}. m: mean over draws "
        "instead, on both sides, where most draws of either had fewer than 10 hits. ± of disputes "
        "per year under the prior takes disputes as independent; they come in clusters, so it is "
        "too small.",
        width,
    )
