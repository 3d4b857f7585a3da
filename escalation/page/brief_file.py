"""Two pages for a policy reader: the answer, four figures, premises, faults, sources.

The HTML file loads nothing, and prints on two pages.
"""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Iterator, Sequence
from importlib import resources
from typing import NamedTuple

import xarray as xr

from escalation.analysis.drivers import Gap, find_gaps
from escalation.analysis.selection import asked, choose
from escalation.errors import EscalationError
from escalation.plots import PLOTS
from escalation.report.answer import format_answer
from escalation.report.beliefs_table import format_premises, has_premises
from escalation.results.kept_study import kept_study
from escalation.study.schema import Study

WIDTH = 80
DOTS = 110
"""Dots per inch of a figure, enough for print at half the width of a page."""
MOST_SOURCES = 8
MOST_FAULTS = 10
_BULLET = re.compile(r"^- \*(.+?)\.\* (.+?\.)(?=\s|$)")


class Source(NamedTuple):
    """A parameter that matters, and where it comes from."""

    name: str
    meaning: str
    prior: str
    mark: str
    source: str


def brief(ds: xr.Dataset) -> str:
    """Return two pages about a run, as an HTML file that a browser prints without loading anything.

    Parameters
    ----------
    ds : Dataset
        Results.

    Returns
    -------
    str
        The answer as `run` prints it, the four main figures as far as the results carry them, the
        answer under every premise, what the model gets wrong, the sources of the parameters that
        the difference stands on, and how to cite the run.

    Examples
    --------
    >>> "How to cite" in brief(ds)
    True
    """
    from jinja2 import Environment, PackageLoader

    environment = Environment(loader=PackageLoader("escalation.page", ""), autoescape=True)
    first = _question(ds)
    return environment.get_template("brief.html.j2").render(
        title=str(ds.attrs.get("study_title") or ds.attrs.get("study_name") or "A run"),
        answer=format_answer(ds, WIDTH),
        figures=list(_figures(ds)),
        premises=format_premises(first, WIDTH) if has_premises(ds) else "",
        faults=faults(),
        sources=list(_sources(ds)),
        attrs=ds.attrs,
        draws=ds.sizes["draw"],
    )


def _question(ds: xr.Dataset) -> xr.Dataset:
    """Return results of the first flashpoint, with nothing but the answer's structure in focus."""
    first = asked(ds.isel(flashpoint=[0]))
    focus = json.loads(first.attrs.get("focus") or "[]")[:1]
    return first.assign_attrs(focus=json.dumps(focus))


def _figures(ds: xr.Dataset) -> Iterator[tuple[str, str]]:
    """Yield title and picture of every main figure that the results carry."""
    for plot in PLOTS.values():
        if not plot.main:
            continue
        try:
            figure = plot.draw(ds)
        except EscalationError:
            continue
        content = io.BytesIO()
        figure.savefig(content, format="png", dpi=DOTS)
        yield plot.title, base64.b64encode(content.getvalue()).decode()


def faults() -> list[tuple[str, str]]:
    """Return what the model gets wrong: a word and a sentence of each point in MODEL.md.

    Examples
    --------
    >>> faults()[0][0]
    'Length'
    """
    text = resources.files("escalation").joinpath("MODEL.md").read_text(encoding="utf-8")
    section = text.partition("## What the model gets wrong")[2].partition("\n## ")[0]
    points = [" ".join(part.split()) for part in re.split(r"\n(?=- )", section)]
    found = [match for point in points if (match := _BULLET.match(point))]
    return [(match[1], match[2]) for match in found][:MOST_FAULTS]


def _sources(ds: xr.Dataset) -> Iterator[Source]:
    """Yield the parameters that the difference in war stands on, the largest first."""
    question = asked(ds)
    flashpoint = str(ds["flashpoint"].values[0])
    try:
        chosen = choose(question, "war", loss={}, flashpoints=flashpoint)
        gap = find_gaps(question, chosen)[flashpoint, "war"]
        study = kept_study(ds, flashpoint, (chosen.structure, chosen.reference))
    except EscalationError:
        return
    if isinstance(gap, Gap) and not gap.reason:
        yield from _described(study, gap.leading(MOST_SOURCES))


def _described(study: Study, names: Sequence[str]) -> Iterator[Source]:
    for name in names:
        entry = study.parameters[name]
        yield Source(name, entry.meaning, entry.prior.describe(), entry.mark, entry.source)
