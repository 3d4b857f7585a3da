"""The page put together: one HTML file that loads nothing."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from typing import Any

import numpy as np
import xarray as xr

from escalation.analysis.reweighting import GOOD_EFFECTIVE, LEAST_EFFECTIVE
from escalation.analysis.selection import (
    asked,
    chosen_reference,
    chosen_structure,
    labels,
    unknown_numbers,
)
from escalation.errors import InputError, ResultsError, StudyError
from escalation.page.page_beliefs import (
    REACH,
    STEP,
    belief_words,
    chosen_beliefs,
    drivers_at,
    presets,
    scores,
    slider,
)
from escalation.page.page_numbers import Arrays, cells_in, packed
from escalation.page.page_stories import KINDS, stories
from escalation.page.page_words import RISKS, place_words, structure_words, titles_of
from escalation.report.text import short_title
from escalation.results.companion import own_premise
from escalation.results.kept_study import kept_study
from escalation.results.quantities import HEADLINE, chosen_risks
from escalation.results.under_rule import rules_of
from escalation.study.schema import Study

LARGEST = 3_000_000
"""Bytes of a page, so that it can be sent by mail."""
WIDE = 30.0
"""Ratio of the outer values of a parameter above which its axis is logarithmic."""
_SCRIPTS = ("vendor/d3.min.js", "vendor/plot.umd.min.js", "weigh.js", "page.js")
Report = Callable[[str, int, int], None]


def page(
    ds: xr.Dataset,
    *,
    beliefs: Sequence[str] = (),
    tell: bool = True,
    progress: Report | None = None,
) -> str:
    """Return a page of a run, which a browser opens without loading anything.

    Parameters
    ----------
    ds : Dataset
        Results.
    beliefs : sequence of str
        Parameters that sliders move, at most four; those that the study's answer and its drivers
        name if not given.
    tell : bool
        Whether histories are played again and told.
    progress : callable, optional
        Called with (what is done, pieces done, pieces in all).

    Returns
    -------
    str
        HTML.

    Raises
    ------
    InputError
        Draws cannot be weighted for a belief, or the page would be larger than `LARGEST`.
    ResultsError
        There is nothing to compare.

    Examples
    --------
    >>> page(ds, tell=False).startswith("<!doctype html>")
    True
    """
    ds = asked(ds)
    say = progress or (lambda *_: None)
    told, arrays = _told(ds, say)
    study, told["study_missing"] = _study_of(ds)
    pair = (told["pair"]["structure"], told["pair"]["against"])
    if study is None:
        if beliefs:
            raise InputError(f"belief: {told['study_missing']}")
        found: list[dict[str, Any]] = []
    else:
        _add_beliefs(ds, study, told, arrays, beliefs)
        tellers = tuple(dict.fromkeys((*pair, str(ds.attrs["reference"]))))
        found = stories(
            ds, study, told["flashpoints"][0]["name"], tellers,
            progress=lambda done, total: say("playing histories again", done, total),
        ) if tell else []  # fmt: skip
    history = json.dumps(found, ensure_ascii=False).encode()
    text = _written(told, arrays, {"stories": np.frombuffer(history, "u1")})
    if len(text.encode()) > LARGEST:
        raise InputError(
            f"page: it would have {len(text.encode()) / 1e6:.1f} MB, more than "
            f"{LARGEST / 1e6:.0f}: leave flashpoints or structures out of the study, or run fewer "
            "draws"
        )
    return text


def _told(ds: xr.Dataset, say: Report) -> tuple[dict[str, Any], Arrays]:
    """Return everything but beliefs and stories."""
    against = chosen_reference(ds)
    structure = chosen_structure(ds, against)
    risks = chosen_risks(HEADLINE)
    cells, arrays = cells_in(
        ds, risks, lambda done, total: say("comparing draw by draw", done, total)
    )
    titles = {dim: titles_of(ds, dim) for dim in ("structure", "flashpoint")}
    return {
        "title": str(ds.attrs.get("study_title") or ds.attrs.get("study_name") or "Results"),
        "premise": own_premise(ds),
        "rule": rules_of(ds)[0].replace("_", " "),
        "years": int(ds.attrs["horizon_years"]),
        "draws": ds.sizes["draw"],
        "unknown": unknown_numbers(ds),
        "histories": int(ds.attrs["trajectories"]),
        "seed": int(ds.attrs["seed"]),
        "checksum": str(ds.attrs.get("table_checksum") or "none"),
        "created": str(ds.attrs.get("created") or "")[:10],
        "least": LEAST_EFFECTIVE, "good": GOOD_EFFECTIVE, "reach": REACH, "step": STEP,
        "pair": {"structure": structure, "against": against},
        "structures": [_structure(name, title) for name, title in titles["structure"].items()],
        "flashpoints": [
            {"name": name, "label": short_title(title, name),
             "words": place_words(short_title(title, name))}
            for name, title in titles["flashpoint"].items()
        ],
        "risks": [
            {"name": q.risk, "words": RISKS[q.risk][0], "noun": RISKS[q.risk][1]} for q in risks
        ],
        "kinds": KINDS,
        "cells": cells,
        "beliefs": [], "worlds": [], "presets": [], "turns": [],
    }, arrays  # fmt: skip


def _structure(name: str, title: str) -> dict[str, Any]:
    words, plural = structure_words(name, title)
    label = words.removeprefix("an ").removeprefix("a ")
    return {
        "name": name, "title": title, "words": words, "plural": plural,
        "label": f"{label[:1].upper()}{label[1:]}",
    }


def _study_of(ds: xr.Dataset) -> tuple[Study | None, str]:
    """Return the study that results keep, or why there is none."""
    try:
        return kept_study(ds, labels(ds, "flashpoint")[0], labels(ds, "structure")), ""
    except (ResultsError, StudyError) as error:
        return None, str(error)


def _add_beliefs(
    ds: xr.Dataset, study: Study, told: dict[str, Any], arrays: Arrays, wanted: Sequence[str]
) -> None:
    """Add what sliders move, what is shown of each world, and where the answer turns."""
    risks = [risk["name"] for risk in told["risks"]]
    leading, told["turns"] = drivers_at(ds, told["flashpoints"][0]["name"], risks)
    slots = chosen_beliefs(ds, study, told["pair"]["structure"], leading, wanted)
    own = study.parameters
    for name, slot in slots.items():
        words = belief_words(ds, own[name])
        told["beliefs"].append({**words, "slot": slot, "medians": slider(own[name])})
        arrays[f"score/{name}"] = scores(ds, own[name])
    turning = [turn["parameter"] for turn in told["turns"]]
    for name in dict.fromkeys((*slots, *leading, *turning)):
        values = ds["parameter_value"].sel(parameter=name).values
        low, high = np.quantile(values, (0.01, 0.99))
        wide = bool(values.min() > 0 and high > WIDE * low)
        told["worlds"].append({**belief_words(ds, own[name]), "wide": wide})
        arrays[f"value/{name}"] = values.astype("<f4")
    told["presets"] = presets(ds, study, list(slots), chosen_risks(risks))


def _written(told: Mapping[str, Any], arrays: Arrays, history: Arrays) -> str:
    from jinja2 import Environment, PackageLoader

    room = resources.files("escalation.page")
    scripts = [room.joinpath(name).read_text(encoding="utf-8") for name in _SCRIPTS]
    environment = Environment(loader=PackageLoader("escalation", "page"), autoescape=True)
    return environment.get_template("page.html.j2").render(
        told=told,
        scripts=scripts,
        hashes=[_hash(script) for script in scripts],
        style=room.joinpath("page.css").read_text(encoding="utf-8"),
        data={"told": embedded(told), "numbers": embedded(packed(arrays)),
              "histories": embedded(packed(history))},
    )  # fmt: skip


def _hash(script: str) -> str:
    """Return what a Content-Security-Policy calls a script by."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def embedded(value: object) -> str:
    """Return JSON that can end no script element, whatever its text says.

    >>> embedded({"a": "</script>"})
    '{"a":"\\\\u003c/script\\\\u003e"}'
    """
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text
