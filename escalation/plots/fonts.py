"""Fonts for titles in any script: installed families that have the letters, or none.

Matplotlib draws a box for a letter that its font lacks, and warns each time. So the letters of
all titles are looked for in the installed fonts before anything is drawn.
"""

from __future__ import annotations

import functools
import logging
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import xarray as xr
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

from escalation.errors import StudyWarning

BASE = "DejaVu Sans"
"""Comes with matplotlib."""
NO_LETTERS = ("Last Resort", "cmex", "cmsy", "STIXNonUnicode", "STIXSize")
"""Families whose glyphs are not the letters that their numbers stand for."""


def legible(ds: xr.Dataset) -> tuple[xr.Dataset, list[str]]:
    """Return results whose titles can be drawn, and the font families to draw them with.

    A title with letters that no installed font has gives way to the name, which one warning says.
    """
    titles = [name for name in map(str, ds.coords) if name.endswith("_title")]
    texts = [str(ds.attrs.get("study_title", ""))]
    texts += [str(title) for name in titles for title in ds[name].values.ravel().tolist()]
    families, missing = families_for(frozenset("".join(texts)))
    if missing:
        _say(missing)
        ds = ds.assign_coords({name: _drawable(ds[name], missing) for name in titles})
        if missing.intersection(texts[0]):
            ds = ds.assign_attrs(study_title="")
    return ds, list(families)


def _drawable(titles: xr.DataArray, missing: frozenset[str]) -> xr.DataArray:
    kept = ["" if missing.intersection(str(t)) else str(t) for t in titles.values.ravel().tolist()]
    return titles.copy(data=xr.DataArray(kept).values.reshape(titles.shape))


@functools.cache
def families_for(letters: frozenset[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return font families that have the letters, best first, and the letters that none has."""
    wanted = {letter for letter in letters if letter.isprintable()}
    missing = {ord(c) for c in wanted} - _glyphs(findfont(FontProperties(family=BASE)))
    families = [BASE]
    for family, path in _installed() if missing else ():
        found = missing & _glyphs(path)
        if found:
            families.append(family)
            missing = missing - found
        if not missing:
            break
    return tuple(families), frozenset(map(chr, missing))


def _installed() -> Iterable[tuple[str, str]]:
    """Regular faces of the installed families, those of the whole script before the rest."""
    faces = {
        entry.name: entry.fname for entry in sorted(fontManager.ttflist, key=lambda e: e.fname)
        if str(entry.weight) in ("400", "normal", "regular") and entry.style == "normal"
        and not entry.name.startswith(NO_LETTERS)
    }  # fmt: skip
    return sorted(faces.items(), key=lambda face: ("CJK" not in face[0], face[0]))


@functools.cache
def _glyphs(path: str) -> frozenset[int]:
    try:
        return frozenset(get_font(path).get_charmap())
    except (OSError, RuntimeError):
        return frozenset()


@contextmanager
def quiet() -> Iterator[None]:
    """Keep matplotlib from telling that a family has no bold face; it takes the regular one."""
    log = logging.getLogger("matplotlib.font_manager")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)


@functools.cache
def _say(missing: frozenset[str]) -> None:
    """Say once that some titles cannot be drawn."""
    letters = "".join(sorted(missing))
    shown = letters if len(letters) <= 12 else f"{letters[:12]}..."
    warnings.warn(
        f"no installed font has the letters {shown} of the titles, so figures show names in "
        "their place; a font family such as Noto Sans CJK would have them",
        StudyWarning,
        stacklevel=2,
    )
