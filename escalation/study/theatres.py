"""Theatres that treaties leave out.

Commitments and pact members are bound by theatre, and to nothing where a theatre is not named.
So a flashpoint in a theatre that no treaty names unbinds everybody, and the difference that a
pact without theatres makes there looks like a finding about treaties.

A treaty may speak of more theatres and flashpoints than one study plays. That is told in one note,
unless a name looks like a slip.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from escalation.errors import Problem
from escalation.study.idle import Words, commits_nobody
from escalation.study.names import listed, nearest, shown
from escalation.study.nodes import QUANTITY_KEYS, Items, Node, Position, Table, is_quantity
from escalation.study.schema import Study


class _Place(NamedTuple):
    """A theatre or flashpoint that a treaty speaks of, and whom it binds there."""

    name: str
    position: Position
    covered: bool
    bound: str


def strange_places(
    whole: Table, known: Mapping[str, list[str] | None]
) -> tuple[list[Problem], list[Problem]]:
    """Return the problems and the note on places of treaties that this study does not have.

    Parameters
    ----------
    whole : Table
        The study.
    known : mapping of str to list of str
        Names by group: ``theatres``, ``covered`` (flashpoints and theatres) and ``actors``; where
        one is None, a broken file leaves the names unknown, and nothing is held against them.

    Returns
    -------
    problems : list of Problem
        Slips. One in a flashpoint's theatre is told there and not wherever a treaty names it.
    notes : list of Problem
        One note for all other names, if there are any.
    """
    theatres, covered, actors = (known[key] for key in ("theatres", "covered", "actors"))
    if theatres is None or covered is None or actors is None:
        return [], []
    places = list(_places(whole))
    said = {place.name for place in places if not place.covered}
    unsaid = {theatre for theatre in theatres if theatre not in said}
    problems: list[Problem] = []
    slips: dict[str, _Place] = {}
    absent: dict[str, None] = {}
    for place in places:
        choices = covered if place.covered else theatres
        if place.name in choices:
            continue
        near = nearest(place.name, choices if place.covered else [*choices, *QUANTITY_KEYS])
        if near in unsaid:
            slips.setdefault(near, place)
        elif near is not None or (place.name in actors and place.bound in theatres):
            what = "flashpoint or theatre" if place.covered else "theatre"
            hint = f"did you mean {near!r}?" if near else f"choices: {', '.join(choices)}"
            problems.append(place.position.problem(f"unknown {what} {shown(place.name)} ({hint})"))
        else:
            absent[place.name] = None
    problems += _misspelt_theatres(whole, slips)
    note = whole.key_position("structures").problem(
        f"treaties also speak of {listed(map(shown, absent), most=12)}, which this study does not "
        "play; what they say of that has no effect"
    )
    return problems, [note] if absent else []


def _misspelt_theatres(whole: Table, slips: Mapping[str, _Place]) -> Iterator[Problem]:
    for _, point in _tables(whole.entries.get("flashpoints")):
        theatre = point.text("theatre") or ""
        if theatre in slips:
            name, position, *_ = slips[theatre]
            where = f"{position.file}:{position.line}" if position.line else position.key
            yield point.key_position("theatre").problem(
                f"no treaty names theatre {shown(theatre)} of {shown(point.text('name'))} "
                f"(did you mean {shown(name)}, as in {where}?)"
            )


def _places(whole: Table) -> Iterator[_Place]:
    """Yield every theatre and flashpoint that commitments, members and ``covers`` name."""
    for _, structure in _tables(whole.entries.get("structures")):
        for actor, theatres in _tables(structure.entries.get("commitments")):
            yield from _keys(theatres, bound=actor)
        pacts = structure.entries.get("pacts")
        for pact in pacts.items if isinstance(pacts, Items) else ():
            if isinstance(pact, Table):
                yield from _keys(pact.entries.get("covers"), covered=True)
                for actor, member in _tables(pact.entries.get("members")):
                    yield from _keys(member.entries.get("bindingness"), bound=actor)


def _tables(node: Node | None) -> Iterator[tuple[str, Table]]:
    if isinstance(node, Table):
        yield from ((k, entry) for k, entry in node.entries.items() if isinstance(entry, Table))


def _keys(node: Node | None, covered: bool = False, bound: str = "") -> Iterator[_Place]:
    if isinstance(node, Table) and (covered or not is_quantity(node)):
        for name in node.entries:
            yield _Place(name, node.key_position(name), covered, bound)


def unnamed_theatres(words: Words) -> Iterator[tuple[bool, Problem]]:
    """Yield, with a problem for each, the flashpoints whose theatre some treaty leaves out.

    The truth value tells whether no treaty names the theatre at all.
    """
    treaties = _treaties(words.study)
    known = sorted(set().union(*treaties.values()))
    for name, point in words.study.flashpoints.items():
        silent = [who for who, theatres in treaties.items() if point.theatre not in theatres]
        if not silent or not point.third_parties or commits_nobody(point):
            continue
        nowhere = len(silent) == len(treaties)
        left_out = "no treaty names" if nowhere else f"not named by {listed(silent)}:"
        actor = next(iter(point.third_parties))
        near = nearest(point.theatre, known)
        hint = f"did you mean {near!r}?" if near else f"theatres named: {listed(known)}"
        hint = f" ({hint})" if nowhere else ""
        yield nowhere, words.position("flashpoints", name, "theatre").problem(
            f"{left_out} theatre {shown(point.theatre)} of {shown(name)}, so whoever "
            f"is bound by theatre is free there{hint}; say how far "
            f"each actor is bound, as in `commitments: {{{actor}: {{{point.theatre}: 0.5}}}}`, "
            "with 0 for not at all"
        )


def _treaties(study: Study) -> dict[str, set[str]]:
    """Return the theatres that commitments and pacts name, for those that name any."""
    found: dict[str, set[str]] = {}
    for structure in study.structures.values():
        lists = {f"commitments of {structure.name}": list(structure.commitments.values())}
        for pact in structure.pacts:
            bound = [member.bindingness for member in pact.members.values()]
            lists[f"pact {pact.name}"] = [names for names in bound if isinstance(names, dict)]
        for treaty, theatres in lists.items():
            found.setdefault(treaty, set()).update(name for part in theatres for name in part)
    return {treaty: theatres for treaty, theatres in found.items() if theatres}
