"""Figures of many structures, of long titles, and of titles in any script."""

from __future__ import annotations

import warnings
from itertools import combinations

import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.text import Text
from synthetic import REFERENCE, synthetic_dataset

from escalation import plots
from escalation.errors import StudyWarning
from escalation.plots import fonts
from escalation.plots.style import looks, name_of

N = 12
LONG = [
    f"A pact of the willing and the able states around the western Pacific Ocean, version {k}"
    for k in range(N)
]
ALIKE = [f"A pact number {k:02d} of the willing and the able by the Pacific" for k in range(N)]
ONE_WORD = ["Verteidigungsbündnisverpflichtungserfüllungsverzögerungsfälle", *LONG[1:]]
CHINESE = ["美国收缩", "轴辐体系", "한국과 일본", *(f"方案{k}" for k in range(3, N))]
FIT = ("answer_drivers", "answer_map", "tornado", "flip_map", "break_even")
"""Figures that need parameters with an effect."""
NAMES = [name for name in plots.PLOTS if name not in FIT]


@pytest.fixture(scope="module")
def twelve() -> xr.Dataset:
    """Results with twelve structures, the last four of them copies."""
    eight = synthetic_dataset(
        draws=12, trajectories=300, flashpoints=3, structures=8, companion=True
    )
    names = [*eight["structure"].values.tolist(), *(f"variant_{k}" for k in range(N - 8))]
    ds = eight.isel(structure=[k % 8 for k in range(N)])
    return ds.assign_coords(structure=np.array(names))


def titled(ds: xr.Dataset, titles: list[str]) -> xr.Dataset:
    return ds.assign_coords(
        structure_title=("structure", np.array(titles)),
        flashpoint_title=("flashpoint", np.array(titles[: ds.sizes["flashpoint"]])),
    )


def drawn(figure: Figure) -> Figure:
    """The figure after layout and drawing; any warning is an error."""
    figure.draw_without_rendering()
    return figure


@pytest.mark.parametrize("name", NAMES)
def test_no_panel_collapses(twelve: xr.Dataset, name: str) -> None:
    figure = drawn(plots.PLOTS[name].draw(titled(twelve, ONE_WORD)))
    width, height = figure.get_size_inches()
    for ax in figure.axes:
        if ax.axison:
            assert ax.get_position().height * height > 0.5
            assert ax.get_position().width * width > 0.5


@pytest.mark.parametrize("name", ["trade_off"])
def test_a_tall_legend_covers_no_panel(twelve: xr.Dataset, name: str) -> None:
    figure = drawn(plots.PLOTS[name].draw(titled(twelve, LONG)))
    (legend,) = (ax.get_legend() for ax in figure.axes if ax.get_legend())
    box = legend.get_window_extent()
    page = figure.bbox
    assert page.x0 <= box.x0
    assert box.x1 <= page.x1
    for ax in figure.axes:
        if ax.axison:
            assert not box.overlaps(ax.get_tightbbox())


@pytest.mark.parametrize("titles", [LONG, ALIKE, ["The same title"] * N, ONE_WORD])
@pytest.mark.parametrize(("width", "lines"), [(36, 1), (30, 4), (26, 2), (14, 1), (None, 4)])
def test_no_two_structures_have_the_same_label(
    twelve: xr.Dataset, titles: list[str], width: int | None, lines: int
) -> None:
    ds = titled(twelve, titles)
    names = [name_of(ds, "structure", s, width, lines) for s in ds["structure"].values]
    assert len(set(names)) == N


def test_long_names_without_titles_stay_apart(twelve: xr.Dataset) -> None:
    keys = [f"a_pact_of_the_willing_and_the_able_{k:02d}_around_the_western_pacific"
            for k in range(N)]  # fmt: skip
    ds = twelve.assign_coords(structure=np.array(keys))
    assert len({name_of(ds, "structure", key, 26, 1) for key in keys}) == N


def test_twenty_structures_have_twenty_colours() -> None:
    names = [REFERENCE, *(f"pact_{k}" for k in range(19))]
    style = looks(xr.Dataset(coords={"structure": names}, attrs={"reference": REFERENCE}))
    colours = [to_rgb(look.colour) for look in style.values()]
    assert len(set(colours)) == 20
    assert min(np.abs(np.subtract(a, b)).max() for a, b in combinations(colours, 2)) > 0.08
    assert max(np.dot(c, (0.2126, 0.7152, 0.0722)) for c in colours) < 0.85


@pytest.mark.parametrize("name", ["risk_ridgelines"])
def test_titles_without_a_font_give_way_to_names(
    twelve: xr.Dataset, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fonts, "_installed", lambda: ())
    fonts.families_for.cache_clear()
    fonts._say.cache_clear()
    ds = titled(twelve, CHINESE).assign_attrs(study_title="亚洲版北约", study_name="nato_study")
    try:
        with pytest.warns(StudyWarning, match="no installed font has the letters"):
            figure = plots.PLOTS[name].draw(ds)
        # Said once; and nothing is left that the font lacks.
        drawn(plots.PLOTS[name].draw(ds))
    finally:
        fonts.families_for.cache_clear()
        fonts._say.cache_clear()
    seen = " ".join(text.get_text() for text in figure.findobj(Text))
    assert not any(letter in seen for letter in "亚美한")
    assert "nato_study" in seen


def a_family_with_more_letters() -> tuple[str, str]:
    """A family that comes with matplotlib, and a letter that the usual one lacks."""
    usual = fonts._glyphs(findfont(FontProperties(family=fonts.BASE)))
    for family, path in fonts._installed():
        more = sorted(c for c in fonts._glyphs(path) - usual if chr(c).isprintable())
        if family.startswith(("STIX", "cm")) and more:
            return path, chr(more[0])
    raise AssertionError("no such family")


@pytest.mark.parametrize("name", ["risk_ridgelines"])
def test_an_installed_family_lends_its_letters(
    twelve: xr.Dataset, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, letter = a_family_with_more_letters()
    family = get_font(path).family_name
    monkeypatch.setattr(fonts, "_installed", lambda: [(family, path)])
    fonts.families_for.cache_clear()
    try:
        # Matplotlib warns of every glyph that it lacks, also for labels made when drawing.
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            figure = drawn(plots.PLOTS[name].draw(titled(twelve, [f"{letter} {k}" for k in LONG])))
    finally:
        fonts.families_for.cache_clear()
    assert any(text.get_text().startswith(letter) for text in figure.findobj(Text))


def test_wide_letters_are_wrapped_sooner(twelve: xr.Dataset) -> None:
    ds = titled(twelve, ["国" * 40 + str(k) for k in range(N)])
    lines = name_of(ds, "structure", ds["structure"].values[0], 30).split("\n")
    assert max(map(len, lines)) <= 16
