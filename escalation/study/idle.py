"""What a study says in vain: entries that are legal, and change no result.

A structure or scenario may be shared by several studies, so whoever plays a part in a study
that this one extends is not idle here either, and what that study says may be idle here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from escalation.errors import Problem
from escalation.parameters.registry import REGISTRY, Parameter
from escalation.study.base import parts_of
from escalation.study.names import listed, shown
from escalation.study.nodes import Items, Node, Position, Table
from escalation.study.overrides import ParameterOverride, overridden
from escalation.study.quantity import Figure, InlinePrior, Number, ParameterRef
from escalation.study.schema import Flashpoint, Pact, Study
from escalation.study.vocabulary import ZERO

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
    """

    study: Study
    root: Table
    whole: Table
    elsewhere: dict[str, Table]
    inherited: set[str]
    changes: list[Change]
    rival: dict[str, list[Change]]

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

    @property
    def sides(self) -> set[str]:
        """Challengers and defenders of any flashpoint, as `third_parties`."""
        points = self.study.flashpoints.values()
        here = {name for point in points for name in (point.challenger, point.defender)}
        there = {point.text(k) for point in self.elsewhere.values() for k in _SIDES}
        return here | {name for name in there if name}


_SIDES = ("challenger", "defender")


def _third_parties(point: Table) -> set[str]:
    parties = point.entries.get("third_parties")
    return set(parties.entries) if isinstance(parties, Table) else set()


def idle(words: Words) -> Iterator[Problem]:
    """Yield what has no effect on the results of a study, each with its position."""
    for kind in (_treaties, _coverage, _reach, _roles, _actors, _parameters, _premises, _compare):
        yield from (problem for problem in kind(words) if problem.file not in words.inherited)


def _treaties(words: Words) -> Iterator[Problem]:
    """Actors that a structure binds or changes, and that can join nowhere."""
    parties = words.third_parties
    # What a pact does for a defender depends on whether it is a member.
    members = parties | words.sides
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
            yield found[0][1].problem(
                f"has no effect under {listed(dict.fromkeys(name for name, _ in found))}: "
                f"{shown(actor)} is a third party at no flashpoint; name it under third_parties "
                "of one, with its power and stake"
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
    scale = point.commitment_scale
    return isinstance(scale, Number | Figure) and scale.value == 0


def _reach(words: Words) -> Iterator[Problem]:
    """Pacts that leave out a flashpoint, since its defender is no member and no word names it."""
    for structure, number, pact in _pacts(words.study):
        # Whoever is bound by theatre is looked at with the theatres.
        everywhere = [
            name for name, member in pact.members.items()
            if not isinstance(member.bindingness, dict)
        ]
        missed = [
            name for name, point in words.study.flashpoints.items()
            if pact.stated_coverage(point) is None and not commits_nobody(point)
            and any(pact.coverage(member, point) == ZERO for member in everywhere)
        ]
        if missed:
            yield words.position("structures", structure, "pacts", number).problem(
                f"{pact.name} does not reach {listed(missed)}: the defender is no member, and "
                "`covers` names neither flashpoint nor theatre; write "
                f"`covers: {{{missed[0]}: 1}}`, or 0 to mean it"
            )


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
    written = [(table, name) for table in tables if isinstance(table, Table)
               for name in table.entries]  # fmt: skip
    actors = words.study.actors
    hosts = {point.base_host for point in words.study.flashpoints.values()}
    met = words.third_parties | words.sides | hosts | {words.study.great_power}
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


def _same(one: Parameter, other: Parameter) -> bool:
    return (one.prior, one.default) == (other.prior, other.default)


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
