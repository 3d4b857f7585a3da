"""`extends` and the shorthands of a pact, worked out on trees so that positions survive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from escalation.errors import Problem
from escalation.study.names import shown
from escalation.study.nodes import (
    Items,
    Node,
    Position,
    Scalar,
    Table,
    is_empty,
    is_quantity,
    kind,
)


def merged(parent: Table, child: Table) -> Table:
    """Return `child` with everything it does not say taken from `parent`.

    Tables of names merge key by key. A quantity, a list or a single value replaces the
    inherited one, and an empty value (``null``) takes the inherited one away. One that finds
    nothing to take away stays, for the schema to refuse.
    """
    entries: dict[str, Node] = dict(parent.entries)
    positions = dict(parent.key_positions)
    for key, mine in child.entries.items():
        inherited = entries.get(key)
        if isinstance(mine, Table) and isinstance(inherited, Table) and _mergeable(mine, inherited):
            entries[key] = merged(inherited, mine)
        elif isinstance(mine, Scalar) and mine.value is None:
            found = inherited is not None and not is_empty(inherited)
            entries[key] = replace(mine, takes_away=mine.takes_away or found)
        else:
            entries[key] = mine
        positions[key] = child.key_positions[key]
    return Table(child.position, entries, positions)


def _mergeable(mine: Table, inherited: Table) -> bool:
    return not mine.whole and not is_quantity(mine) and not is_quantity(inherited)


def without_taken(node: Table) -> Table:
    """Return the table without what empty values took away, at every level."""
    kept: dict[str, Node] = {}
    for key, entry in node.entries.items():
        if isinstance(entry, Scalar) and entry.takes_away:
            continue
        kept[key] = without_taken(entry) if isinstance(entry, Table) else entry
    return Table(node.position, kept, {key: node.key_positions[key] for key in kept})


def with_entries(node: Node, **entries: Node | None) -> Table:
    """Return a copy of a table with entries set, or taken away where None."""
    if not isinstance(node, Table):
        raise TypeError(f"{kind(node)} has no entries")
    result = Table(node.position, dict(node.entries), dict(node.key_positions))
    for key, entry in entries.items():
        if entry is None:
            result.entries.pop(key, None)
            result.key_positions.pop(key, None)
        else:
            result.entries[key] = entry
            result.key_positions.setdefault(key, entry.position)
    return result


def spelled_out(pact: Table, problems: list[Problem]) -> Table:
    """Return a pact whose members are a table of tables, whatever shorthand was used.

    Members may be a plain list, and a member a bare quantity; where a member names no
    bindingness, the pact's own ``bindingness`` stays to be filled in by :func:`filled_in`.
    """
    members = pact.entries.get("members")
    if isinstance(members, Items):
        members = _from_list(members, problems)
    if not isinstance(members, Table):
        return pact
    entries: dict[str, Node] = {}
    for name, member in members.entries.items():
        entries[name] = member
        if is_quantity(member):
            entries[name] = Table(
                member.position, {"bindingness": member}, {"bindingness": member.position}
            )
    table = Table(members.position, entries, members.key_positions, members.whole)
    return with_entries(pact, members=table)


def _from_list(members: Items, problems: list[Problem]) -> Table:
    table = Table(members.position, whole=True)
    for item in members.items:
        if not isinstance(item, Scalar) or not isinstance(item.value, str):
            problems.append(item.position.problem(f"expected an actor's name, found {kind(item)}"))
        elif item.value in table.entries:
            problems.append(item.position.problem(f"actor {shown(item.value)} is named twice"))
        else:
            table.entries[item.value] = Table(item.position)
            table.key_positions[item.value] = item.position
    return table


def filled_in(pact: Table, problems: list[Problem]) -> Table:
    """Return a pact whose own ``bindingness`` has gone to the members that name none."""
    common = pact.entries.get("bindingness")
    members = pact.entries.get("members")
    if not isinstance(members, Table):
        return pact
    entries: dict[str, Node] = dict(members.entries)
    lacking = [
        name for name, member in members.entries.items()
        if isinstance(member, Table) and "bindingness" not in member.entries
    ]
    for name in lacking:
        if common is None:
            problems.append(members.key_position(name).problem(
                f"no bindingness given for member {shown(name)}, by itself or for the pact"
            ))
        value = common or Scalar(members.key_position(name), 0)
        entries[name] = with_entries(members.entries[name], bindingness=value)
    if common is not None and members.entries and not lacking:
        problems.append(pact.key_position("bindingness").problem(
            "has no effect, since every member names its own bindingness"
        ))
    filled = Table(members.position, entries, members.key_positions)
    return with_entries(pact, members=filled, bindingness=None)


NOT_INHERITED = ("name", "title", "description", "extends")

Find = Callable[[Scalar], Table | None]
"""Returns the tree that an ``extends`` leads to, or None with the problem noted."""


def lineage(
    node: Table, find: Find, problems: list[Problem], orphans: set[Position]
) -> list[Table]:
    """Return `node` and everything that it extends, over as many steps as there are.

    Parameters
    ----------
    node : Table
        The tree whose ``extends`` is followed.
    find : callable
        Finds the parent.
    problems : list of Problem
        Receives an ``extends`` that leads nowhere or in a circle, should there be one.
    orphans : set of Position
        Receives the position of `node` if not all that it extends was found, so that what it
        lacks for that reason need not be held against it.
    """
    found = [node]
    while True:
        link = found[-1].entries.get("extends")
        if link is None or (isinstance(link, Scalar) and link.value is None):
            return found
        parent, fault = None, ""
        if not isinstance(link, Scalar) or not isinstance(link.value, str):
            fault = f"expected a name or a file, found {kind(link)}"
        else:
            parent = find(link)  # which notes it if there is none
            if parent is not None and any(parent.position == met.position for met in found):
                fault = f"{shown(link.value)} extends itself in a circle"
        if fault:
            problems.append(replace(link.position.problem(fault), cause=True))
        if fault or parent is None:
            orphans.add(node.position)
            return found
        found.append(parent)


def chain(
    node: Table,
    find: Find,
    prepare: Callable[[Table], Table],
    problems: list[Problem],
    orphans: set[Position],
) -> Table:
    """Return `node` merged over everything that it extends, nearest last.

    Parameters
    ----------
    node, find, problems, orphans
        As in :func:`lineage`.
    prepare : callable
        Rewrites shorthands of one tree before it is merged.
    """
    first, *rest = reversed(lineage(node, find, problems, orphans))
    result = prepare(first)
    for child in rest:
        result = merged(result, prepare(child))
    # What a child is called is never what its parent is called.
    own = {key: node.entries.get(key) for key in NOT_INHERITED}
    if node.position in orphans and node.text("extends") is None:
        own["extends"] = None
    return with_entries(result, **own)
