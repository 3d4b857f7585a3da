"""Figures: results in, matplotlib figure out.

Every function takes a dataset of results (`escalation.open_results`, `escalation.run`) and
needs nothing else: no study file, no engine. It returns a `matplotlib.figure.Figure` that
belongs to the caller; nothing is shown, saved or kept.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from escalation.analysis.sweep import has_sweep
from escalation.contracts.whole_file import put, reason
from escalation.errors import InputError, ResultsError
from escalation.plots.backend import FORMATS  # first: it loads matplotlib for the rest
from escalation.plots.break_even import break_even, sweep
from escalation.plots.cumulative import cumulative_risk
from escalation.plots.flip_map import answer_map, flip_map
from escalation.plots.heat_map import risk_heat_map
from escalation.plots.paired import answer_difference, paired_difference
from escalation.plots.participation import participation
from escalation.plots.prior_posterior import prior_posterior
from escalation.plots.rank_probability import rank_probability
from escalation.plots.ridgelines import risk_ridgelines
from escalation.plots.style import DPI
from escalation.plots.tornado import answer_drivers, tornado
from escalation.plots.trade_off import trade_off
from escalation.results.companion import has_companion

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

__all__ = [
    "FORMATS",
    "PLOTS",
    "Plot",
    "SavedFigures",
    "answer_difference",
    "answer_drivers",
    "answer_map",
    "break_even",
    "cumulative_risk",
    "flip_map",
    "paired_difference",
    "participation",
    "prior_posterior",
    "rank_probability",
    "remove_figures",
    "risk_heat_map",
    "risk_ridgelines",
    "save_all",
    "sweep",
    "tornado",
    "trade_off",
]


@dataclass(frozen=True)
class Plot:
    """One figure of the package.

    Attributes
    ----------
    name : str
        Name of the function and of the saved file.
    draw : callable
        Dataset in, Figure out.
    title : str
        What it shows, in a few words.
    caption : str
        How to read it.
    applies : callable
        Whether results are of the kind that has this figure at all.
    main : bool
        Whether it is one of the four that a run draws by itself.
    """

    name: str
    draw: Callable[..., Figure]
    title: str
    caption: str
    applies: Callable[[xr.Dataset], bool] = lambda ds: True
    main: bool = False


_ALL = (
    Plot(
        "answer_map",
        answer_map,
        "The answer, and where it turns",
        "Expected difference in war between the two structures that the study compares, over two "
        "assumptions that nobody knows, with what each premise says of them.",
        main=True,
    ),
    Plot(
        "answer_difference",
        answer_difference,
        "Against the alternative, risk by risk",
        "Mean difference of every structure to the alternative of the study's answer at its first "
        "flashpoint, with its Monte Carlo interval, its range over draws and P(safer).",
        main=True,
    ),
    Plot(
        "answer_drivers",
        answer_drivers,
        "What moves the difference",
        "The most influential parameters of the answer's difference in war: how far each swings "
        "it, and its share of the variance, with intervals.",
        main=True,
    ),
    Plot(
        "risk_heat_map",
        risk_heat_map,
        "Risk by structure and flashpoint",
        "Chance of war, great-power war, nuclear use and concession within the horizon, each "
        "in a panel of its own, because the ranking depends on the risk chosen.",
        main=True,
    ),
    Plot(
        "trade_off",
        trade_off,
        "The trade-off plane",
        "How often grave crises start, against how often one becomes a war; one point per "
        "structure. Towards the lower left is safer on both; the grey lines join equal risk.",
    ),
    Plot(
        "cumulative_risk",
        cumulative_risk,
        "Risk by year",
        "Chance that the event has happened by the end of a year: median, 50 % and 90 % of "
        "draws, for the reference and the structures compared with it.",
    ),
    Plot(
        "risk_ridgelines",
        risk_ridgelines,
        "What we do not know",
        "How the chance of war and of great-power war is distributed over parameter draws.",
    ),
    Plot(
        "participation",
        participation,
        "Third parties",
        "How often each third party supported, fought, was entrapped, or stayed out of a war "
        "although bound.",
    ),
    Plot(
        "paired_difference",
        paired_difference,
        "Against the reference, draw by draw",
        "Mean difference in risk to the reference structure with its Monte Carlo interval, its "
        "range over draws without chance, and the chance that the structure is safer.",
    ),
    Plot(
        "rank_probability",
        rank_probability,
        "How sure the order is",
        "Chance of every rank of every structure, risk by risk; rank 1 has the least risk.",
    ),
    Plot(
        "tornado",
        tornado,
        "What moves the difference",
        "The most influential parameters of the difference to the reference: how far each swings "
        "it, and its share of the variance, with intervals.",
    ),
    Plot(
        "flip_map",
        flip_map,
        "Where the answer flips",
        "Expected difference to the reference over the two most influential parameters, with the "
        "line where it is zero and the draws on either side.",
    ),
    Plot(
        "break_even",
        break_even,
        "Which assumption flips the answer",
        "Expected difference in risk to the reference given one parameter, all others averaged "
        "out; where the line crosses zero, the answer changes its sign.",
    ),
    Plot(
        "sweep",
        sweep,
        "At the centre of everything else",
        "Difference in risk to the reference as one parameter moves and all others stay at their "
        "centre, where the study asks for such a sweep.",
        has_sweep,
    ),
    Plot(
        "prior_posterior",
        prior_posterior,
        "What the fit to history changed",
        "Headline risks with all parameters from their priors and with those that history speaks "
        "about from the posterior: median and 5-95 % of draws.",
        has_companion,
    ),
)

PLOTS: Mapping[str, Plot] = MappingProxyType({plot.name: plot for plot in _ALL})
"""Every figure by name, in the order in which a report shows them."""


class SavedFigures(list[Path]):
    """Files of the figures that were saved, in the order of `PLOTS`.

    Attributes
    ----------
    skipped : dict of str to str
        Figures that could not be drawn from these results, and why.
    """

    def __init__(self) -> None:
        super().__init__()
        self.skipped: dict[str, str] = {}


def save_all(
    ds: xr.Dataset,
    directory: str | os.PathLike[str],
    format: str = "png",
    *,
    everything: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> SavedFigures:
    """Draw and save the four main figures, or every one that the results have the data for.

    Figures of earlier results in the directory, of the same format, are removed first, so that
    none is left beside those of these results.

    Parameters
    ----------
    ds : Dataset
        Results; see `escalation.results`.
    directory
        Where the files go, named after the figures; it is made if need be.
    format : {"png", "svg", "pdf"}
        File format.
    everything : bool
        Whether all figures are drawn.
    progress : callable, optional
        Called with (figures done, figures in all); those that cannot be drawn count too.

    Returns
    -------
    SavedFigures
        List of the files. Its ``skipped`` says which figures are missing, and why.

    Raises
    ------
    InputError
        Unknown format, or a directory that cannot be written; the message says which figures
        are missing.
    """
    if format not in FORMATS:
        raise InputError(f"unknown figure format {format!r}; choices: {', '.join(FORMATS)}")
    saved = SavedFigures()
    left = [p for p in PLOTS.values() if p.applies(ds) and (everything or p.main)]
    total = len(left)
    try:
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        remove_figures(folder, format)
        while left:
            figure = _drawn(left[0], ds, saved)
            if figure is not None:
                saved.append(_save(figure, folder / f"{left[0].name}.{format}", format))
            del left[0]
            if progress is not None:
                progress(total - len(left), total)
    except (OSError, ValueError) as error:
        why = reason(error) if isinstance(error, OSError) else error
        raise InputError(
            f"cannot write figures to {str(directory)!r}: {why}; "
            f"missing: {', '.join(plot.name for plot in left)}"
        ) from error
    return saved


def remove_figures(directory: str | os.PathLike[str], format: str = "png") -> None:
    """Remove the figures that `save_all` has written to a directory, and no other file.

    Raises
    ------
    InputError
        A file cannot be removed.
    """
    try:
        for name in PLOTS:
            (Path(directory) / f"{name}.{format}").unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"cannot remove figures: {error}") from error


def _drawn(plot: Plot, ds: xr.Dataset, saved: SavedFigures) -> Figure | None:
    try:
        return plot.draw(ds)
    except ResultsError as error:
        saved.skipped[plot.name] = str(error)
        return None


def _save(figure: Figure, path: Path, format: str) -> Path:
    content = io.BytesIO()
    figure.savefig(content, format=format, dpi=DPI)
    put(path, content.getvalue())
    return path
