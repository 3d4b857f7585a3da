"""How every figure looks: palette, markers, text that cannot break a figure, panels.

Figures are built with the object-oriented interface of matplotlib only, so that drawing one
opens no window, needs no backend and leaves nothing behind in a global list of figures.
"""

from __future__ import annotations

import functools
import io
import math
import textwrap
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter

from escalation.plots.fonts import legible, quiet
from escalation.results.under_rule import under_rule

REFERENCE_COLOUR = "#000000"
COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F")
"""Okabe-Ito, without yellow (too pale on white) and with black kept for the reference."""
SHADES = ((0.0, "black"), (0.45, "black"), (0.35, "white"))
"""What the palette is mixed with when it starts again: the share, and of what."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h")
LINES = ("--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)))
MUTED = "#555555"
LONG = 26
"""Letters above which a title is long."""
DPI = 120

STYLE: Any = {
    "text.usetex": False,
    "text.parse_math": True,
    "font.family": "sans-serif",
    "font.size": 8.5,
    "axes.titlesize": 9.5,
    "axes.labelsize": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "axes.grid": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "legend.fontsize": 8.0,
    "legend.frameon": False,
}


class NotebookFigure(Figure):
    """A figure that shows itself in a notebook although pyplot does not manage it.

    It keeps the font families of its titles, since labels of ticks are made when it is drawn.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.families = matplotlib.rcParams["font.family"]

    def draw(self, renderer: Any) -> None:
        """Draw with the families that the figure was made with."""
        with matplotlib.rc_context({"font.family": self.families}), quiet():
            super().draw(renderer)

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=DPI)
        return buffer.getvalue()


@dataclass(frozen=True)
class Look:
    """Colour, marker and line of one structure, the same in every figure."""

    colour: str
    marker: str
    line: Any


def in_style(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Draw under the package's style, with fonts that have the letters of the titles."""

    @functools.wraps(draw)
    def draw_in_style(ds: xr.Dataset, *args: Any, **kwargs: Any) -> Figure:
        ds, families = legible(ds)
        with matplotlib.rc_context(STYLE | {"font.family": families}), quiet():
            return draw(ds, *args, **kwargs)

    return draw_in_style


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Draw under the package's style, and under one decision rule.

    Every figure takes the keyword ``decision_rule``; without it the headline rule is shown.
    """

    @functools.wraps(draw)
    def draw_one_rule(
        ds: xr.Dataset, *args: Any, decision_rule: str | None = None, **kwargs: Any
    ) -> Figure:
        return in_style(draw)(under_rule(ds, decision_rule), *args, **kwargs)

    return draw_one_rule


def plain(text: object, width: int | None = None, lines: int = 4) -> str:
    r"""Text from a study, made harmless for matplotlib and wrapped to at most `lines` lines.

    Dollar signs are escaped rather than ``parse_math`` switched off, because tick labels
    are created late and would not inherit the switch. A leading underscore would drop an
    entry from a legend.

    >>> plain("$x$")
    '\\$x\\$'
    """
    printable = "".join(letter if letter.isprintable() else " " for letter in str(text))
    if printable.startswith("_"):
        printable = " " + printable
    if width is not None:
        # Letters of Chinese, Japanese and Korean are about twice as wide as others.
        wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in printable)
        width = max(width * len(printable) // (len(printable) + wide), 1) if wide else width
    if width is not None and len(printable) > width:
        printable = "\n".join(_wrapped(printable, width, lines))
    return printable.replace("$", r"\$")


def _wrapped(text: str, width: int, lines: int) -> list[str]:
    """At most `lines` lines; a longer text loses its middle, as names often differ at the end."""
    found = textwrap.wrap(text, width)
    length = width * lines
    while len(found) > lines:
        tail = (length - 1) // 2
        found = textwrap.wrap(f"{text[: length - 1 - tail]}…{text[len(text) - tail :]}", width)
        length -= 1
    return found


def name_of(ds: xr.Dataset, dim: str, key: object, width: int | None = None, lines: int = 4) -> str:
    """Readable name of one coordinate value: its title, or the key without underscores.

    A long title loses what stands from its first bracket on, if it still differs from the
    titles of the other values then. Where room is too narrow to tell names apart, they bear
    the numbers of their order.
    """
    if dim not in ds.dims:
        return plain(str(key).replace("_", " ").strip(), width, lines)
    keys = ds[dim].values.tolist()
    titles = ds.coords.get(f"{dim}_title")
    given = [""] * len(keys) if titles is None else map(str, titles.values.tolist())
    full = (title or str(k).replace("_", " ").strip() for k, title in zip(keys, given, strict=True))
    return _names(tuple(full), width, lines)[keys.index(key)]


@functools.lru_cache(maxsize=256)
def _names(full: tuple[str, ...], width: int | None, lines: int) -> list[str]:
    """Names as they are shown, no two of them the same."""
    parts = [name.split(" (")[0] for name in full]
    brief = [
        part if len(name) > LONG and parts.count(part) == 1 else name
        for name, part in zip(full, parts, strict=True)
    ]
    names = [plain(name, width, lines) for name in brief]
    room = None if width is None else max(width - 4, 1)
    return [
        name if names.count(name) == 1 else f"{number}. {plain(brief[number - 1], room, lines)}"
        for number, name in enumerate(names, 1)
    ]


def looks(ds: xr.Dataset) -> dict[str, Look]:
    """Look of every structure; the reference is black, round and solid."""
    reference = ds.attrs.get("reference")
    found: dict[str, Look] = {}
    index = 0
    for structure in ds["structure"].values.tolist():
        if structure == reference:
            found[structure] = Look(REFERENCE_COLOUR, "o", "-")
            continue
        marker = MARKERS[1 + index % (len(MARKERS) - 1)]
        found[structure] = Look(_colour(index), marker, LINES[index % len(LINES)])
        index += 1
    return found


def _colour(index: int) -> str:
    """Colour of a structure: those of the palette, then darker ones, then paler ones."""
    turn, hue = divmod(index, len(COLOURS))
    share, other = SHADES[turn % len(SHADES)]
    red, green, blue = (
        (1 - share) * one + share * two
        for one, two in zip(to_rgb(COLOURS[hue]), to_rgb(other), strict=True)
    )
    return to_hex((red, green, blue)).upper()


def percent(probability: float) -> str:
    """Probability as per cent with two significant digits.

    >>> percent(0.2612), percent(0.00451), percent(0.9987)
    ('26 %', '0.45 %', '99.9 %')
    """
    return f"{percent_number(probability)} %"


def percent_number(probability: float) -> str:
    """As `percent`, without the sign."""
    value = 100.0 * probability
    if not math.isfinite(value):
        return "n/a"
    if value == 0.0:
        return "0"
    if 99.0 <= value < 100.0:
        return f"{value:.1f}" if value < 99.95 else "> 99.9"
    exponent = int(f"{value:.1e}".split("e")[1])
    return f"{value:.{min(max(0, 1 - exponent), 8)}f}"


def signed(value: float) -> str:
    """Short number with a minus sign instead of a hyphen."""
    return f"{value:.6g}".replace("-", "\N{MINUS SIGN}")


def percent_axis(axis: matplotlib.axis.Axis) -> None:
    """Ticks of a probability axis in per cent, without mathematical text."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: signed(100 * value)))


def log_ticks(axis: matplotlib.axis.Axis, scale: float) -> None:
    """Plain numbers on a logarithmic axis, times `scale`, as many as the range leaves room for."""
    low, high = axis.get_view_interval()
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0)):
        ticks = [step * 10.0**power for power in decades for step in steps]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) >= 3:
            break
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FuncFormatter(lambda value, _: signed(scale * value)))
    axis.set_minor_formatter(NullFormatter())


def few_ticks(axis: matplotlib.axis.Axis, n: int = 5) -> None:
    """At most `n` intervals between ticks, for narrow panels."""
    axis.set_major_locator(MaxNLocator(n, steps=[1, 2, 2.5, 5, 10]))


def new_figure(width: float, height: float) -> Figure:
    """Empty figure of `width` x `height` inches that lays itself out."""
    layout = ConstrainedLayoutEngine(w_pad=0.06, h_pad=0.06, wspace=0.03, hspace=0.04)
    return NotebookFigure(figsize=(width, height), dpi=DPI, layout=layout)


def tidy(ax: Axes, grid: Literal["x", "y", "both"] | None = "y") -> None:
    """Small ticks and a faint grid along `grid` ("x", "y", "both" or None)."""
    ax.tick_params(labelsize=8, length=3)
    if grid:
        ax.grid(axis=grid, color="#DDDDDD", linewidth=0.6)
        ax.set_axisbelow(True)


def structure_panels(
    ds: xr.Dataset,
    structures: Sequence[str],
    n: int,
    *,
    lines: bool = False,
    panel_width: float = 3.3,
    panel_height: float = 2.9,
    columns: int = 3,
) -> tuple[Figure, list[Axes]]:
    """Figure with `n` panels and a legend of structures, in a panel of its own where it fits.

    A taller legend stands above the panels, in columns.

    Returns
    -------
    figure : Figure
    axes : list of Axes
        The `n` panels, row by row.
    """
    entries = structure_handles(ds, structures, lines=lines)
    if _height(entries[1]) + 0.3 <= panel_height:
        figure, axes, blank = _panels(n, panel_width, panel_height, columns)
        blank.legend(*entries, loc="upper left", title="Structure", alignment="left",
                     handlelength=3.2 if lines else 1.5, fontsize=8)  # fmt: skip
        return figure, axes
    columns = min(columns, n)
    entries = structure_handles(ds, structures, lines=lines, text_lines=3)
    rows = math.ceil(n / columns)
    # Titles of the panels take their room from the panels and from the legend alike.
    figure, grid = strip_panels(rows, columns, 11.0, panel_height + 0.8, entries, 4, spare=0.5)
    every = [ax for row in grid for ax in row]
    for spare in every[n:]:
        spare.set_axis_off()
    return figure, every[:n]


def _height(labels: Sequence[str]) -> float:
    """Height of a column of a legend, in inches."""
    return 0.07 + sum(0.145 * label.count("\n") + 0.2 for label in labels)


def _panels(
    n: int, panel_width: float, panel_height: float, columns: int
) -> tuple[Figure, list[Axes], Axes]:
    """Figure with `n` panels and one more, blank, for the legend."""
    columns = min(columns, n + 1)
    rows = math.ceil((n + 1) / columns)
    figure = new_figure(min(11.0, max(9.0, panel_width * columns)), panel_height * rows + 1.1)
    widths = [1.5, 1.0] if columns == 2 else None
    grid = figure.subplots(rows, columns, squeeze=False, width_ratios=widths)
    every = list(grid.flat)
    for spare in every[n:]:
        spare.set_axis_off()
    return figure, every[:n], every[n]


def strip_panels(
    rows: int,
    columns: int,
    width: float,
    panel_height: float,
    entries: tuple[Sequence[Artist], Sequence[str]],
    legend_columns: int,
    spare: float = 0.0,
) -> tuple[Figure, list[list[Axes]]]:
    """Figure with `rows` x `columns` panels below a legend as wide as all of them.

    Parameters
    ----------
    entries
        Handles and labels of the legend.
    spare : float
        Inches below the legend.

    Returns
    -------
    figure : Figure
    grid : list of lists of Axes
        The panels by row and column.
    """
    handles, labels = entries
    legend_columns = min(legend_columns, len(labels))
    per_column = math.ceil(len(labels) / legend_columns)
    stacks = [labels[i : i + per_column] for i in range(0, len(labels), per_column)]
    height = max(map(_height, stacks)) + spare
    figure = new_figure(width, panel_height * rows + height + 1.2)
    layout = figure.add_gridspec(
        rows + 1, columns, height_ratios=[height / panel_height] + [1.0] * rows
    )
    strip = figure.add_subplot(layout[0, :])
    strip.set_axis_off()
    legend = strip.legend(handles, labels, ncols=legend_columns, loc="upper left", borderpad=0.0,
                          borderaxespad=0.0, handlelength=3.0, columnspacing=1.4,
                          fontsize=8)  # fmt: skip
    # A legend wider than the panels would make the layout give up; its height is known.
    legend.set_in_layout(False)
    grid = [
        [figure.add_subplot(layout[row + 1, column]) for column in range(columns)]
        for row in range(rows)
    ]
    return figure, grid


def structure_handles(
    ds: xr.Dataset,
    structures: Sequence[str],
    *,
    lines: bool,
    width: int = 30,
    text_lines: int = 4,
) -> tuple[list[Line2D], list[str]]:
    """Legend entries of structures; the reference is marked as such."""
    style = looks(ds)
    handles = [
        Line2D([], [], color=style[s].colour, marker=style[s].marker, markersize=6,
               linestyle=style[s].line if lines else "none", markeredgecolor="white",
               markeredgewidth=0.5)
        for s in structures
    ]  # fmt: skip
    return handles, [structure_label(ds, s, width, text_lines) for s in structures]


def headline(figure: Figure, ds: xr.Dataset, title: str, subject: str = "") -> None:
    """Title of the figure: what is seen, and below it the study."""
    study = plain(ds.attrs.get("study_title") or ds.attrs.get("study_name") or "", 110)
    lines = [textwrap.fill(title, 110)]
    below = " · ".join(part for part in (subject, study) if part)
    figure.suptitle("\n".join([*lines, below] if below else lines), x=0.01, ha="left", fontsize=11)


def footnote(figure: Figure, ds: xr.Dataset, text: str) -> None:
    """Note below the figure: sample sizes first, then how to read the marks."""
    width = int(figure.get_figwidth() * 16.5)
    note = f"{sample(ds)} {text}".replace(" %", "\N{NO-BREAK SPACE}%")
    note = textwrap.fill(note, width)
    figure.supxlabel(note, x=0.01, ha="left", fontsize=7.5, color=MUTED)


def sample(ds: xr.Dataset) -> str:
    """Sample size per point and decision rule, in words."""
    draws = ds.sizes["draw"]
    trajectories = int(ds.attrs["trajectories"])
    years = int(ds.attrs["horizon_years"])
    n = f"n = {trajectories:,} trajectories x {draws} parameter draw{'s' * (draws > 1)} per cell"
    rule = ds.attrs.get("decision_rule", "")
    decided = f" Decision rule: {plain(str(rule).replace('_', ' '))}." if rule else ""
    if draws == 1:
        return f"{n}, {years} years each; one draw, so no spread over parameters is shown.{decided}"
    return f"{n}, {years} years each.{decided}"


def structure_label(
    ds: xr.Dataset, structure: str, width: int | None = None, lines: int = 4
) -> str:
    """Name of a structure, with a note when it is the reference."""
    name = name_of(ds, "structure", structure, width, lines)
    return f"{name} (reference)" if structure == ds.attrs.get("reference") else name
