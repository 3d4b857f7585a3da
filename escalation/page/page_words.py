"""How the page names structures, places, risks and beliefs: in words of a reader."""

from __future__ import annotations

from types import MappingProxyType

import xarray as xr

from escalation.analysis.selection import labels
from escalation.parameters.registry import Parameter
from escalation.report.text import short_title

STRUCTURES = MappingProxyType({
    "us_retrenchment": "American retrenchment",
    "hub_and_spoke": "today's alliances",
    "hub_and_quad": "today's alliances with the Quad",
    "trilateral": "today's alliances with the trilateral",
    "minilateral_lattice": "small pacts",
    "asian_nato": "an Asian NATO",
    "asian_nato_with_india": "an Asian NATO with India",
    "asian_nato_nuclear_sharing": "an Asian NATO with nuclear sharing",
})
"""Names of the shipped structures in a sentence; others go by their titles."""
PLURAL = ("hub_and_spoke", "hub_and_quad", "trilateral", "minilateral_lattice")
"""Shipped structures that take a plural verb."""
RISKS = MappingProxyType({
    "war": ("wars", "war"),
    "great_power_war": ("great-power wars", "great-power war"),
    "nuclear_use": ("uses of nuclear weapons", "nuclear use"),
    "concession": ("concessions", "a concession in a grave crisis"),
})
"""Risks as what a structure has fewer of, and as what there is a risk of."""
_WITH_ARTICLE = ("Strait", "Sea", "Islands")
_QUESTIONS = MappingProxyType({
    "provocation_stake": (
        "Does a pact provoke the other side?", "it calms", "it provokes",
    ),
    "provocation_onset": (
        "Does a pact make it act more often?", "less often", "more often",
    ),
    "pact_coordination": (
        "Do overlapping pacts slow each other?", "they speed up", "they slow down",
    ),
    "pact_dilution": (
        "Do overlapping pacts loosen promises?", "they reinforce", "they loosen",
    ),
    "coverage_nonmember": (
        "Does a pact reach those it does not name?", "not at all", "fully",
    ),
    "patron_realisation": (
        "Would the great power do what it signs?", "hardly", "all of it",
    ),
})  # fmt: skip
DELAY = "decision_delay_days"


def titles_of(ds: xr.Dataset, dim: str) -> dict[str, str]:
    """Return titles by name; results that hold none are called by their names."""
    names = labels(ds, dim)
    held = ds.coords.get(f"{dim}_title")
    titles = names if held is None else [str(title) for title in held.values.tolist()]
    return dict(zip(names, titles, strict=True))


def place_words(title: str) -> str:
    """Return a flashpoint as it stands behind "at".

    >>> place_words("Taiwan Strait"), place_words("Second Thomas Shoal")
    ('the Taiwan Strait', 'Second Thomas Shoal')
    """
    words = title.split()
    article = bool(words) and words[-1] in _WITH_ARTICLE and "'s" not in title
    return f"the {title}" if article else title


def structure_words(name: str, title: str) -> tuple[str, bool]:
    """Return a structure in a sentence, and whether it takes a plural verb."""
    return STRUCTURES.get(name) or short_title(title, name), name in PLURAL


def question(entry: Parameter, owner: str) -> tuple[str, str, str]:
    """Return a belief as a question, and what its low and its high end say.

    Parameters
    ----------
    entry : Parameter
    owner : str
        The structure that it belongs to, in words; empty for none.
    """
    if entry.name in _QUESTIONS:
        return _QUESTIONS[entry.name]
    if entry.name.endswith(f".{DELAY}"):
        owner = owner or f"the {entry.name.split('.')[0].replace('_', ' ')} pact"
        return f"How many days to decide: {owner}?", "quick", "slow"
    meaning = entry.meaning.replace("_", " ")
    return f"{meaning[:1].upper()}{meaning[1:]}", "less", "more"
