"""Prior against posterior: how the fit to history moved the headline risks.

Both rows of a structure show the same risk at the same flashpoint under the same rules and
random numbers; only the parameters differ. The prior rows come from a smaller run
(:mod:`escalation.results.companion`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import xarray as xr

from escalation.report.cells import Cell, cell_table, cells_of
from escalation.report.glossary import explained
from escalation.report.text import WIDTH, counted, paragraph, safe
from escalation.results.companion import prior_companion
from escalation.results.quantities import DECISION


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


def format_prior_posterior(ds: xr.Dataset, width: int = WIDTH) -> str:
    """Return headline risks under prior and posterior as plain text.

    Parameters
    ----------
    ds : Dataset
        Results with a prior companion.
    width : int
        Columns.

    Raises
    ------
    ResultsError
        No posterior was used.
    """
    rows: list[tuple[str, dict[str, Cell]]] = []
    for contrast in contrasts(ds):
        prior, posterior = contrast.prior, contrast.posterior
        rows.append((safe(f"{contrast.flashpoint}: {contrast.structure}"), {}))
        for name, mine, other in (("prior", prior, posterior), ("posterior", posterior, prior)):
            alike = {quantity: _alike(cell, other[quantity]) for quantity, cell in mine.items()}
            rows.append((f"  {name}", alike))
    return explained([*_intro(ds, width), "", *cell_table(rows, width)], width)


def _alike(mine: Cell, other: Cell) -> Cell:
    """Have the mean shown where the other side shows one, its median being too coarse."""
    return replace(mine, sparse=True, centre=mine.mean) if other.sparse and other.hits > 0 else mine


def _intro(ds: xr.Dataset, width: int) -> list[str]:
    prior = (
        f"{counted(ds.sizes['companion_draw'], 'draw')} of "
        f"{int(ds.attrs['companion_trajectories']):,} histories each"
    )
    posterior = f"{counted(ds.sizes['draw'], 'draw')} of {int(ds.attrs['trajectories']):,}"
    return paragraph(
        f"Each number is a median [5–95 %] over draws, within {int(ds.attrs['horizon_years'])} "
        f"years. The rows of the prior take every parameter from its prior, {prior}; those of the "
        f"posterior are as in the table above, {posterior}. Where one of the two is marked m, both "
        "are. Chance in disputes per year under the prior takes disputes as independent; they come "
        "in clusters, so it is too small.",
        width,
    )
