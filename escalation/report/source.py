"""What a run starts from, in words: its parameters' source, and who is bound how much."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from escalation.parameters.posterior import Posterior, coverage
from escalation.report.text import WIDTH, Row, paragraph, safe, table
from escalation.study.names import listed
from escalation.study.quantity import Figure, InlinePrior, Magnitude, ParameterRef
from escalation.study.schema import Flashpoint, Study

if TYPE_CHECKING:
    import xarray as xr

_DIGITS = 12
"""Digits of a checksum that tell files apart."""


def source_words(attrs: Mapping[str, Any], total: int) -> str:
    """Say where `total` parameters came from, in a sentence.

    Parameters
    ----------
    attrs : mapping
        Attributes of the results, or the part of them that says so; results without any used
        priors. Lists may come as such or as JSON.
    total : int
        Parameters in all.
    """
    overridden = _list(attrs.get("posterior_overridden", "[]"))
    said = f"; overridden by the study: {', '.join(map(safe, overridden))}" if overridden else ""
    if attrs.get("parameter_source", "prior") != "posterior":
        return f"Parameters: all {total} from priors{said}"
    covered = len(_list(attrs["posterior_names"]))
    file = str(attrs["posterior_sha256"])[:_DIGITS]
    return (
        f"Parameters: {safe(attrs['posterior_title'])}"
        f"{f' (file {safe(file)}…)' if file else ''}, {covered} of {total}; "
        f"the rest from priors{said}"
    )


def _list(value: Any) -> list[str]:
    return [str(name) for name in (json.loads(value or "[]") if isinstance(value, str) else value)]


def unrecorded_words(study: Study, posterior: Posterior | None) -> str:
    """Say at which flashpoints every number is the study's own judgement; empty for none.

    The posterior was fitted to disputes all over the world. What it says is carried over to a
    flashpoint, and that this fits there is what nobody has looked at.
    """
    covered = set(coverage(study.parameters, posterior).covered)
    alone = [
        name for name, point in study.flashpoints.items()
        if all(_is_judgement(study, covered, quantity) for quantity in _numbers_of(point))
    ]
    if not alone:
        return ""
    its = "its" if len(alone) == 1 else "their"
    behaviour = "" if posterior is None or not covered else (
        f"; what the {posterior.title} says of behaviour in general is carried over"
    )
    return (
        f"No record speaks for {listed(map(safe, alone), len(alone))}: {its} onset rate, stakes "
        f"and powers are the study's own judgement{safe(behaviour)}."
    )


def _numbers_of(point: Flashpoint) -> Iterator[Magnitude]:
    yield from (point.challenger_stake, point.defender_stake, point.defender_power)
    yield point.onset_rate
    for party in point.third_parties.values():
        yield from (party.power, party.stake)


def _is_judgement(study: Study, covered: set[str], quantity: Magnitude) -> bool:
    if isinstance(quantity, ParameterRef | InlinePrior):
        name = quantity.parameter if isinstance(quantity, ParameterRef) else quantity.name
        entry = study.parameters[name]
        return name not in covered and entry.mark == "judgement"
    return not isinstance(quantity, Figure) or quantity.mark == "judgement"


def format_bindings(bound: xr.Dataset, width: int = WIDTH) -> str:
    """Return what :func:`escalation.bindings` returns as text, no line wider than `width`.

    A block for each flashpoint: structures down, third parties across, ``-`` for nobody bound, and
    below it the pacts that reach the flashpoint. Flashpoints that do not differ share a block.
    """
    lines = paragraph(
        "How far each third party is bound (0 to 1), every parameter at its default:", width
    )
    alike: dict[str, list[str]] = {}
    for name in map(str, bound["flashpoint"].values):
        here = bound.sel(flashpoint=name, drop=True)
        joins = here["bindingness"].notnull().all("structure")
        block = "\n".join(_bound_at(here.sel(third_party=joins), width))
        alike.setdefault(block, []).append(safe(name))
    for block, names in alike.items():
        lines += ["", *paragraph(listed(names, len(names)), width, hang="  "), block]
    return "\n".join(lines)


_BY_PLACE = re.compile(r"\.(?:commitments\.\w+|covers|members\.\w+\.bindingness)\.(\w+)$")


def idle_words(study: Study, bound: xr.Dataset) -> str:
    """Say which of a study's own parameters have no effect, given :func:`escalation.bindings`.

    Those that speak of places that are not played are a note of the loader's. Empty for none.
    """
    played = {*study.flashpoints, *study.theatres}
    names = [(name, _BY_PLACE.search(name)) for name in bound.attrs["idle_parameters"]]
    idle = [safe(name) for name, place in names if place is None or place[1] in played]
    if not idle:
        return ""
    if len(idle) == 1:
        return f"1 parameter has no effect here: {idle[0]}"
    return f"{len(idle)} parameters have no effect here: {listed(idle, 20)}"


def _bound_at(here: xr.Dataset, width: int) -> list[str]:
    if not here.sizes["third_party"]:
        return ["  Nobody else may join."]
    some = (here["bindingness"] > 0.0).any("structure")
    free = [safe(name) for name in here["third_party"].values[~some.values]]
    held = here["bindingness"].sel(third_party=some).transpose("structure", "third_party")
    rows: list[Row] = [
        (safe(name), [_share(value) for value in values])
        for name, values in zip(held["structure"].values, held.values.tolist(), strict=True)
    ]
    parties = ["\n".join(safe(name).split("_", 1)) for name in held["third_party"].values]
    lines = table(parties, rows, width) if parties else []
    if free:
        who = listed(free, len(free)) if lines else "anybody"
        lines += paragraph(f"Nothing binds {who}.", width, "  ", "    ")
    return [*lines, *paragraph(_reaching(here), width, "  ", "    ")]


def _share(value: float) -> str:
    """Return two digits after the point; ``-`` for nothing."""
    if value <= 0.0:
        return "-"
    return "1" if value >= 1.0 else f"{min(max(value, 0.01), 0.99):.2f}".removeprefix("0")


def _reaching(here: xr.Dataset) -> str:
    """Return which pacts bind anybody at a flashpoint, and under which structures."""
    under: dict[str, dict[str, None]] = {}
    for structure in map(str, here["structure"].values):
        for cell in here["pacts"].sel(structure=structure).values.tolist():
            for pact in cell.split(", ") if cell else ():
                under.setdefault(pact, {})[structure] = None
    if not under:
        return "No pact reaches it."
    said = [
        pact if list(names) == [pact] else f"{pact} (under {listed(names, len(names))})"
        for pact, names in under.items()
    ]
    return f"Pacts that reach it: {'; '.join(map(safe, said))}."
