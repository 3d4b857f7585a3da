"""What a study says in vain: entries that are legal, and change no result.

A structure or scenario may be shared by several studies, so whoever plays a part in a study
that this one extends is not idle here either, and what that study says may be idle here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from escalation.errors import Problem
from escalation.parameters.registry import REGISTRY, Parameter
from escalation.study.base import parts_of
from escalation.study.names import listed, shown
from escalation.study.nodes import Items, Node, Position, Table
from escalation.study.overrides import ParameterOverride, overridden
from escalation.study.quantity import Figure, InlinePrior, Magnitude, Number, ParameterRef
from escalation.study.schema import Flashpoint, Pact, Study
from escalation.study.vocabulary import ZERO
from escalation.study.yaml_text import read_yaml

PLACED = ("coverage_nonmember", "patron_realisation", "reclamation_incidents")
"""Parameters that are read only where a study names them."""

Change = tuple[Table, str, ParameterOverride]
"""Table of parameters, name of one of them, and what is said about it."""


@dataclass(frozen=True)
class Words:
    """A study and what was written for it.

    Attributes
    ----------
    study : Study
        Checked.
    root, whole : Table
        The study's own file, and the tree of everything that it says and names.
    elsewhere : dict of str to Table
        Flashpoints of the studies that it extends.
    inherited : set of str
        Files of the studies that it extends.
    changes : list of Change
        What is said about parameters, in the order in which it is applied.
    rival : dict of str to list of Change
        What each premise says about them.
    written : dict of str to Table
        Structures as written, without what they inherit.
    """

    study: Study
    root: Table
    whole: Table
    elsewhere: dict[str, Table]
    inherited: set[str]
    changes: list[Change]
    rival: dict[str, list[Change]]
    written: dict[str, Table]

    def position(self, *path: str | int) -> Position:
        """Return where the last key of a path stands, or as far as the path leads."""
        node: Node = self.whole
        position = node.position
        for step in path:
            if isinstance(node, Table) and step in node.entries:
                position, node = node.key_position(str(step)), node.entries[str(step)]
            elif isinstance(node, Items) and isinstance(step, int) and step < len(node.items):
                node = node.items[step]
                position = node.position
        return position

    @property
    def third_parties(self) -> set[str]:
        """Third parties of any flashpoint, here or in a study that this one extends."""
        here = {name for point in self.study.flashpoints.values() for name in point.third_parties}
        return here.union(*(_third_parties(point) for point in self.elsewhere.values()))

    def played(self, *roles: Literal["challenger", "defender"]) -> set[str]:
        """Return who plays one of these roles at any flashpoint, as `third_parties`."""
        points = self.study.flashpoints.values()
        here = {getattr(point, role) for point in points for role in roles}
        there = {point.text(role) for point in self.elsewhere.values() for role in roles}
        return here | {name for name in there if name}


def _third_parties(point: Table) -> set[str]:
    parties = point.entries.get("third_parties")
    return set(parties.entries) if isinstance(parties, Table) else set()


def idle(words: Words) -> Iterator[Problem]:
    """Yield what has no effect on the results of a study, each with its position."""
    kinds = (
        _treaties, _coverage, _reach, _nowhere, _bound_by_nothing, _half_said, _doubles, _roles,
        _actors, _parameters, _premises, _compare,
    )  # fmt: skip
    for kind in kinds:
        yield from (problem for problem in kind(words) if problem.file not in words.inherited)


def _treaties(words: Words) -> Iterator[Problem]:
    """Actors that a structure binds or changes, and that can join nowhere."""
    parties = words.third_parties
    # What a pact does for a defender depends on whether it is a member.
    members = parties | words.played("defender")
    for actor in words.study.actors:
        found: list[tuple[str, Position]] = []
        for name, structure in words.study.structures.items():
            at = ("structures", name)
            if actor not in parties:
                found += [
                    (name, words.position(*at, key, actor)) for key in ("commitments", "actors")
                    if actor in getattr(structure, key)
                ]
            if actor not in members:
                found += [
                    (name, words.position(*at, "pacts", number, "members", actor))
                    for number, pact in enumerate(structure.pacts) if actor in pact.members
                ]
        if found:
            side = actor in words.played("challenger", "defender")
            advice = "it is one of the sides" if side else (
                "name it under third_parties of one, with its power and stake"
            )
            yield found[0][1].problem(
                f"has no effect under {listed(dict.fromkeys(name for name, _ in found))}: "
                f"{shown(actor)} is a third party at no flashpoint; {advice}"
            )


def _coverage(words: Words) -> Iterator[Problem]:
    """Coverage of a theatre each of whose flashpoints has a coverage of its own."""
    theatres = {name: point.theatre for name, point in words.study.flashpoints.items()}
    theatres |= {name: point.text("theatre") or "" for name, point in words.elsewhere.items()}
    for structure, number, pact in _pacts(words.study):
        for covered in pact.covers:
            inside = [name for name, theatre in theatres.items() if theatre == covered]
            if inside and covered not in theatres and all(name in pact.covers for name in inside):
                at = ("structures", structure, "pacts", number, "covers", covered)
                yield words.position(*at).problem(
                    f"has no effect: {listed(inside)} in that theatre have entries of their own"
                )


def commits_nobody(point: Flashpoint) -> bool:
    """Tell whether a flashpoint says that nobody is bound there."""
    return _is_nothing(point.commitment_scale)


def _reach(words: Words) -> Iterator[Problem]:
    """Pacts that leave out a flashpoint, since its defender is no member and no word names it."""
    for structure, number, pact in _pacts(words.study):
        missed = _missed(pact, words.study)
        if missed:
            yield words.position("structures", structure, "pacts", number).problem(
                f"{pact.name} does not reach {listed(missed)}: the defender is no member, and "
                "`covers` names neither flashpoint nor theatre; write "
                f"`covers: {{{missed[0]}: 1}}`, or 0 to mean it"
            )


def _missed(pact: Pact, study: Study) -> list[str]:
    """Return the flashpoints that a pact leaves out without a word."""
    # Whoever is bound by theatre is looked at with the theatres.
    everywhere = [
        name for name, member in pact.members.items() if not isinstance(member.bindingness, dict)
    ]
    return [
        name for name, point in study.flashpoints.items()
        if pact.stated_coverage(point) is None and not commits_nobody(point)
        and any(pact.coverage(member, point) == ZERO for member in everywhere)
    ]


def _nowhere(words: Words) -> Iterator[Problem]:
    """Pacts that bind nobody at any flashpoint of the study, by what they say themselves."""
    points = [
        point for point in words.study.flashpoints.values()
        if point.third_parties and not commits_nobody(point)
    ]
    for structure, number, pact in _pacts(words.study):
        # A theatre that a pact leaves out, or a defender, is told of already.
        named = {name for member in pact.members.values() if isinstance(member.bindingness, dict)
                 for name in member.bindingness}  # fmt: skip
        missed = _missed(pact, words.study)
        untold = [
            point.name for point in points
            if point.name not in missed and (not named or point.theatre in named)
        ]
        if untold and not any(_binds_somebody(pact, point) for point in points):
            yield words.position("structures", structure, "pacts", number).problem(
                f"{pact.name} reaches no flashpoint of this study: it binds no third party of "
                f"{listed(untold)}"
            )


def _binds_somebody(pact: Pact, point: Flashpoint) -> bool:
    factors = [
        (member.in_theatre(point.theatre), member.realised, pact.coverage(name, point))
        for name, member in pact.members.items() if name in point.third_parties
    ]  # fmt: skip
    return any(not any(map(_is_nothing, quantities)) for quantities in factors)


def _bound_by_nothing(words: Words) -> Iterator[Problem]:
    """Members that a pact binds by 0 everywhere, as if that took them out."""
    for structure, number, pact in _pacts(words.study):
        for name, member in pact.members.items():
            bound = member.bindingness
            levels = list(bound.values()) if isinstance(bound, dict) else [bound]
            if name not in words.played("defender") and all(map(_is_nothing, levels)):
                at = ("structures", structure, "pacts", number, "members", name)
                yield words.position(*at).problem(
                    f"bound by 0: {name} still counts as a member; write `{name}: null` to take "
                    "it out"
                )


def _half_said(words: Words) -> Iterator[Problem]:
    """Actors that a structure binds anew in some theatres, and that stay bound in the others."""
    study = words.study
    for name, structure in study.structures.items():
        said = words.written[name].entries.get("commitments") if name in words.written else None
        parent = study.structures.get(structure.extends or "")
        if not isinstance(said, Table) or parent is None:
            continue
        for actor, theatres in said.entries.items():
            again = parent.commitments.get(actor, {}).keys()
            if not isinstance(theatres, Table) or again.isdisjoint(theatres.entries):
                continue  # what is added to what is inherited is meant as an addition
            kept = {
                point.theatre: None for point in study.flashpoints.values()
                if actor in point.third_parties and not commits_nobody(point)
                and point.theatre not in theatres.entries
                and not _is_nothing(structure.commitment(actor, point.theatre))
            }
            if kept:
                yield said.key_position(actor).problem(
                    f"says nothing of {listed(kept)}, where {actor} stays bound as under "
                    f"{parent.name}; name every theatre, with 0 for not at all"
                )


def _doubles(words: Words) -> Iterator[Problem]:
    """Structures that are played twice, under two names."""
    seen: dict[str, str] = {}
    for name, structure in words.study.structures.items():
        pacts = tuple(pact.model_copy(update={"name": "", "title": ""})
                      for pact in structure.pacts)
        unnamed = structure.model_copy(update={"name": "", "pacts": pacts})
        first = seen.setdefault(repr(_unlabelled(unnamed.model_dump())), name)
        if first != name:
            yield words.position("structures", name).problem(
                f"has no effect: {shown(name)} says nothing that {shown(first)} does not"
            )


def _is_nothing(quantity: Magnitude) -> bool:
    return isinstance(quantity, Number | Figure) and quantity.value == 0


def _pacts(study: Study) -> Iterator[tuple[str, int, Pact]]:
    for name, structure in study.structures.items():
        for number, pact in enumerate(structure.pacts):
            yield name, number, pact


def _roles(words: Words) -> Iterator[Problem]:
    """A base host that cannot refuse its bases, and a great power that cannot fight."""
    study = words.study
    for name, point in study.flashpoints.items():
        host = point.base_host
        if host is None or host in (point.defender, *point.third_parties):
            if host != study.great_power:
                continue
        elif name in words.elsewhere and host in _third_parties(words.elsewhere[name]):
            continue
        who = "the great power" if host == study.great_power else "no third party there"
        yield words.position("flashpoints", name, "base_host").problem(
            f"has no effect: {shown(host)} is {who}, so its bases are never refused"
        )
    if study.great_power not in words.third_parties:
        yield words.position("great_power").problem(
            f"{shown(study.great_power)} is a third party at no flashpoint, so that no war is "
            "counted as a great-power war"
        )


def _actors(words: Words) -> Iterator[Problem]:
    """Actors that the study itself writes down, and that nobody meets."""
    given = words.root.entries.get("actors")
    tables = given.items if isinstance(given, Items) else (given,)
    actors = words.study.actors
    written = [(table, name) for table in tables if isinstance(table, Table)
               for name in table.entries if name in actors]  # fmt: skip
    hosts = {point.base_host for point in words.study.flashpoints.values()}
    sides = words.played("challenger", "defender")
    met = words.third_parties | sides | hosts | {words.study.great_power}
    partners = {p for name in words.third_parties & set(actors) for p in
                actors[name].trade_dependence}  # fmt: skip
    for table, name in written:
        if name not in met | partners:
            yield table.key_position(name).problem(
                f"has no effect: {shown(name)} plays no part at any flashpoint"
            )


def _parameters(words: Words) -> Iterator[Problem]:
    """Changes and correlations of parameters that nothing reads, and changes of nothing."""
    idle_names = unread(words.study)
    entries: dict[str, Parameter] = dict(REGISTRY)
    for own in parts_of(words.study, InlinePrior):
        entries[own.name] = own.as_parameter()
    for number, (table, name, change) in enumerate(words.changes):
        position = table.key_position(name)
        later = [c.prior for _, other, c in words.changes[number + 1 :] if other == name]
        changed = overridden(entries[name], change, "")
        if name in idle_names:
            yield position.problem(f"has no effect: {idle_names[name]}")
        elif any(later):
            yield position.problem("has no effect: what the study or a later scenario says holds")
        elif name in REGISTRY and _same(changed, entries[name]):
            prior = f"{changed.prior.describe()}, default {changed.default:g}"
            yield position.problem(f"has no effect: {prior}, is what holds without it")
        entries[name] = changed
    for number, one in enumerate(words.study.correlations):
        for parameter in one.between:
            if parameter in idle_names:
                yield words.position("correlations", number).problem(
                    f"has no effect: {shown(parameter)} is not read: {idle_names[parameter]}"
                )


def _premises(words: Words) -> Iterator[Problem]:
    """Premises that change nothing, or that nothing is compared under."""
    study, idle_names = words.study, unread(words.study)
    if words.position("premises").file in words.inherited:
        return
    compared = [name for name in study.compare.focus if name != study.reference]
    for name, premise in study.premises.items():
        position = words.position("premises", name)
        if not premise.parameters:
            yield position.problem(f"has no effect: {shown(name)} says nothing of any parameter")
        elif not compared:
            yield position.problem(
                "has no effect: compare.focus names no structure to compare under it"
            )
        for table, parameter, _ in words.rival.get(name, ()):
            if parameter in idle_names:
                yield table.key_position(parameter).problem(
                    f"has no effect: {idle_names[parameter]}"
                )


_LABELS = {"title", "source", "mark", "meaning", "unit", "description", "extends", "nuclear"}
"""Keys of a study's parts that no equation reads."""
_PLAYED = {
    "horizon_years", "great_power", "reference", "actors", "flashpoints", "structures",
    "correlations",
}  # fmt: skip


def played(study: Study) -> tuple:
    """Return what a study says under its headline rule and its own priors, without its labels."""
    entries = {name: (entry.prior, entry.default) for name, entry in study.parameters.items()}
    return _unlabelled(study.model_dump(include=_PLAYED)), study.decision_rules[0], entries


def _unlabelled(data: object) -> object:
    if isinstance(data, dict):
        return {key: _unlabelled(value) for key, value in data.items() if key not in _LABELS}
    return tuple(map(_unlabelled, data)) if isinstance(data, tuple) else data


def _same(one: Parameter, other: Parameter) -> bool:
    return (one.prior, one.default) == (other.prior, other.default)


def stated_parts(study: Study) -> set[str]:
    """Return the actors, flashpoints, structures and pacts that a study states itself.

    Where it extends another, these are those of the lists in its own file; else they are all.
    """
    root = read_yaml(next(iter(study.text.values()), ""), "", [])
    said = root.entries if isinstance(root, Table) and "extends" in root.entries else None
    parts: set[str] = set()
    if said is None or "flashpoints" in said:
        parts.update(study.flashpoints)
    if said is None or "structures" in said:
        parts.update(study.structures, (pact.name for _, _, pact in _pacts(study)))
    actors = (said or {}).get("actors")
    if isinstance(actors, Table):
        parts.update(actors.entries)
    elif said is None or actors is not None:
        parts.update(study.actors)
    return parts


def unread(study: Study) -> dict[str, str]:
    """Return why nothing reads a parameter, by its name, for those that nothing reads."""
    named = {ref.parameter for ref in parts_of(study, ParameterRef)}
    shares = any(pact.nuclear_sharing for _, _, pact in _pacts(study))
    hosted = any(point.base_host in point.third_parties for point in study.flashpoints.values())
    reasons = {
        "generic dispute": "only fits to history read it",
        "nuclear sharing": "" if shares else "no pact of these structures shares nuclear weapons",
        "base access": "" if hosted else "at no flashpoint is the base host a third party",
    }
    found = {}
    for name, entry in REGISTRY.items():
        why = reasons.get(entry.claim, "")
        if entry.rule and entry.rule not in study.decision_rules:
            why = f"only {entry.rule} reads it, and that rule is not used"
        elif name in PLACED:
            why = "no structure or flashpoint names it"
        if why and name not in named:
            found[name] = why
    return found


def _compare(words: Words) -> Iterator[Problem]:
    """What is to be compared with nothing, or swept in vain."""
    study, compare = words.study, words.study.compare
    for number, name in enumerate(compare.focus):
        if name == study.reference:
            yield words.position("compare", "focus", number).problem(
                f"has no effect: {shown(name)} is the reference, which is always shown"
            )
    compared = [name for name in compare.focus if name != study.reference]
    if compare.sweep and not compared:
        yield words.position("compare", "sweep").problem(
            "has no effect: compare.focus names no structure to sweep beside the reference"
        )
        return
    # A sweep runs the headline rule, the reference and the structures in focus.
    swept = study.model_copy(update={
        "decision_rules": study.decision_rules[:1],
        "structures": {name: study.structures[name] for name in (study.reference, *compared)},
    })
    idle_names = unread(swept)
    for number, name in enumerate(compare.sweep):
        if name in idle_names:
            yield words.position("compare", "sweep", number).problem(
                f"sweeping {shown(name)} has no effect: {idle_names[name]}"
            )
