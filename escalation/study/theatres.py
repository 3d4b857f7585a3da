"""Theatres that treaties leave out.

Commitments and pact members are bound by theatre, and to nothing where a theatre is not named.
So a flashpoint in a theatre that no treaty names unbinds everybody, and the difference that a
pact without theatres makes there looks like a finding about treaties.
"""

from __future__ import annotations

from collections.abc import Iterator

from escalation.errors import Problem
from escalation.study.idle import Words, commits_nobody
from escalation.study.names import listed, shown
from escalation.study.schema import Study


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
        yield nowhere, words.position("flashpoints", name, "theatre").problem(
            f"{left_out} theatre {shown(point.theatre)} of {shown(name)}, so whoever "
            f"is bound by theatre is free there (theatres named: {listed(known)}); say how far "
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
