"""From the study's own tree to one tree with every reference followed.

Each object may stand in a file of its own or in the study itself, and may extend another.
What comes out is a single tree in the shape of :class:`~escalation.study.schema.Study`,
whose nodes still know the file and line they came from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from pydantic import ValidationError

from escalation.errors import Problem
from escalation.parameters.registry import REGISTRY
from escalation.study.base import written_keys
from escalation.study.inherit import (
    Find,
    chain,
    filled_in,
    lineage,
    merged,
    spelled_out,
    with_entries,
    without_taken,
)
from escalation.study.messages import problems_of
from escalation.study.names import listed, nearest, shown, suggestion
from escalation.study.nodes import (
    Items,
    Node,
    Position,
    Scalar,
    Table,
    is_empty,
    is_prior,
    kind,
    to_data,
    walk,
)
from escalation.study.references import WHAT_IF, Library, is_file_name
from escalation.study.schema import Scenario, Study

Context = dict[str, list[str] | None]
"""Known names by group; None where a broken file leaves them unknown."""

_ACTOR_NEEDS = {"alignment", "trade_dependence"}
STUDY_ONLY = ("extends", "scenarios")
STUDY_KEYS = (*written_keys(Study), *STUDY_ONLY, "parameters")


@dataclass
class Assembly:
    """Puts one study together.

    Attributes
    ----------
    library : Library
        Reads the files and collects the problems.
    structures : dict of str to Table
        Structures by name, as written, so that one may extend another by name.
    changes : list of Table
        Parameter overrides.
    premises : dict of str to Table
        What each premise says of parameters, by its name.
    scenarios : dict of str to Table
        Scenarios by their names.
    orphans : set of Position
        Objects that lack something because what they extend was not found.
    inherited : set of str
        Files of the studies that this one extends.
    elsewhere, parents : dict
        Flashpoints and structures of the studies that this one extends, by name.
    absent : dict of str to Position
        Parameters that are spoken of and that this study does not have.
    unreadable : set of str
        Groups of names that are no list, so that their names are unknown.
    """

    library: Library
    structures: dict[str, Table] = field(default_factory=dict)
    changes: list[Table] = field(default_factory=list)
    premises: dict[str, Table] = field(default_factory=dict)
    scenarios: dict[str, Table] = field(default_factory=dict)
    orphans: set[Position] = field(default_factory=set)
    inherited: set[str] = field(default_factory=set)
    elsewhere: dict[str, Node] = field(default_factory=dict)
    parents: dict[str, Table] = field(default_factory=dict)
    absent: dict[str, Position] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)

    def study(self, root: Table) -> Table:
        """Return the whole study as one tree, without ``extends`` and ``scenarios``."""
        whole = self._with_parents(root)
        self._look_elsewhere(root)
        actors = self._actors(root, whole)
        flashpoints = self._named(whole, "flashpoints", self._flashpoint)
        written = self._named(whole, "structures", lambda table: table)
        self.structures = {k: v for k, v in written.entries.items() if isinstance(v, Table)}
        finished = Table(
            written.position,
            {name: self.structure(table) for name, table in self.structures.items()},
            written.key_positions,
        )
        self.changes = [*self._parameters(whole)]
        self.scenarios = self._scenarios(whole)
        found = {"actors": actors, "flashpoints": flashpoints, "structures": finished,
                 "premises": self._named(whole, "premises", self._premise)}
        parts: dict[str, Node | None] = {
            key: table for key, table in found.items() if key in whole.entries
        }
        dropped = dict.fromkeys((*STUDY_ONLY, "parameters"))
        finished_study = with_entries(whole, **parts, **dropped)
        finished_study = _own_question(finished_study, root)
        self.library.problems.extend(_same_names(finished_study))
        return finished_study

    def structure(self, table: Table) -> Table:
        """Return a structure with everything inherited and every pact filled in."""
        whole = without_taken(self._chain(table, self._parent_structure, self._prepared_structure))
        orphan = table.position in self.orphans
        pacts: list[Node] = []
        single = whole.entries.get("pact")
        if isinstance(single, Table):
            pacts.append(self._pact(single, table.text("name") or "pact", orphan))
        elif single is not None and not is_empty(single):
            self._expected(single, "a pact's keys")
        listed = whole.entries.get("pacts")
        if listed is not None:
            pacts.extend(self._listed_pacts(listed))
        position = (single or listed or whole).position
        return with_entries(whole, pact=None, pacts=Items(position, tuple(pacts)))

    def tables_elsewhere(self) -> dict[str, Table]:
        """Return the flashpoints of the studies that this one extends."""
        return {k: node for k, node in self.elsewhere.items() if isinstance(node, Table)}

    def context(self, whole: Table) -> Context:
        """Return the names that the validators may look up."""
        groups: Context = {
            group: _keys(whole, group) for group in ("actors", "flashpoints", "structures")
        }
        own = whole.entries.get("flashpoints")
        points = {**(own.entries if isinstance(own, Table) else {}), **self.elsewhere}
        theatres = [
            point.text("theatre") or "" for point in points.values() if isinstance(point, Table)
        ]
        groups["theatres"] = list(dict.fromkeys(theatres))
        groups["covered"] = list(dict.fromkeys([*points, *theatres]))
        own_structures = groups["structures"] or ()
        groups["left_out"] = [name for name in self.parents if name not in own_structures]
        if self.library.broken:
            groups = dict.fromkeys(groups)
        inline = dict.fromkeys(name for name, _ in _inline_priors(whole))
        groups["parameters"] = [*REGISTRY, *inline]
        if self.library.broken or self.orphans or self.unreadable:
            groups |= dict.fromkeys(("theatres", "covered", "parameters", *self.unreadable))
        return groups

    def _chain(self, table: Table, find: Find, prepare: Callable[[Table], Table]) -> Table:
        return chain(table, find, prepare, self.library.problems, self.orphans)

    def _expected(self, node: Node, what: str) -> None:
        problem = node.position.problem(f"expected {what}, found {kind(node)}")
        self.library.problems.append(replace(problem, cause=True))

    def _resolve(self, node: Node, what: str) -> Table | None:
        """Return an object given inline or as the name of a file."""
        if isinstance(node, Table):
            return node
        if isinstance(node, Scalar) and isinstance(node.value, str):
            return self.library.follow(node.value, node.position)
        self._expected(node, f"{what} or the name of its file")
        self.library.broken = True
        return None

    def _each(self, node: Node, what: str) -> Iterator[tuple[Node, Table]]:
        if not isinstance(node, Items):
            self._expected(node, "a list of files or inline tables")
            return
        for item in node.items:
            table = self._resolve(item, what)
            if table is not None:
                yield item, table

    def _with_parents(self, root: Table) -> Table:
        whole = self._chain(root, self._parent_file, _with_whole_answer)
        self.library.broken |= root.position in self.orphans
        empty = [
            key for key, entry in whole.entries.items()
            if is_empty(entry) and key in STUDY_KEYS
        ]
        return with_entries(whole, **dict.fromkeys(empty))

    def _look_elsewhere(self, root: Table) -> None:
        """Learn the flashpoints and structures of the studies that this one extends.

        A structure written for five flashpoints may then be reused for one of them, while a
        slip in a flashpoint's name is still found.
        """
        met = [root.position]
        link = root.entries.get("extends")
        while isinstance(link, Scalar) and isinstance(link.value, str):
            parent = self._parent_file(link)
            if parent is None or parent.position in met:
                return
            met.append(parent.position)
            self.inherited.add(parent.position.file)
            points = self._named(parent, "flashpoints", self._flashpoint)
            self.elsewhere.update(points.entries)
            structures = self._named(parent, "structures", lambda table: table)
            for name, table in structures.entries.items():
                if isinstance(table, Table):
                    self.parents.setdefault(name, table)
            link = parent.entries.get("extends")

    def _actors(self, root: Table, whole: Table) -> Table:
        """Return the actors, each with everything that is said of it, the last word holding."""
        result = Table(whole.entries["actors"].position if "actors" in whole.entries
                       else whole.position)  # fmt: skip
        for table in self._tables_of_actors(root):
            self._say_of_actors(result, table)
        for name, actor in result.entries.items():
            result.entries[name] = self._actor(name, actor, result.key_positions[name])
            if self.library.broken:  # what it lacks may stand in what could not be read
                self.orphans.add(actor.position)
        return result

    def _tables_of_actors(self, root: Table) -> Iterator[Table]:
        """Yield what a study and those that it extends say of actors, in the order it is applied.

        An inline table adds to what the extended study says; a file or a list replaces it.
        """
        found: list[Node] = []
        for study in reversed(self._lineage(root)):
            node = study.entries.get("actors")
            if node is not None:
                known = found if isinstance(node, Table) else []
                found = [*known, *(node.items if isinstance(node, Items) else [node])]
        for part in found:
            if not (isinstance(part, Scalar) and part.value is None):
                table = self._resolve(part, "a table of actors")
                yield from reversed(self._lineage(table)) if table else ()
                self.library.broken |= table is not None and table.position in self.orphans

    def _lineage(self, table: Table) -> list[Table]:
        return lineage(table, self._parent_file, self.library.problems, self.orphans)

    def _say_of_actors(self, known: Table, table: Table) -> None:
        """Change and add single values of actors; an empty value takes away what was said."""
        before = list(known.entries)
        for name, actor in with_entries(table, extends=None).entries.items():
            earlier, position = known.entries.get(name), table.key_position(name)
            near = nearest(name, before) if earlier is None else None
            lacks = _ACTOR_NEEDS.difference(actor.entries if isinstance(actor, Table) else ())
            if near and lacks:
                self.library.refuse(position.problem(
                    f"unknown actor {shown(name)} (did you mean {near!r}?); to be another one it "
                    f"lacks {listed(sorted(lacks))}"
                ))
            elif earlier is not None and isinstance(actor, Scalar) and actor.value is None:
                del known.entries[name], known.key_positions[name]
            else:
                if isinstance(earlier, Table) and isinstance(actor, Table):
                    actor = without_taken(merged(earlier, actor))
                known.entries[name] = actor
                known.key_positions[name] = position

    def _actor(self, name: str, actor: Node, key_position: Position) -> Node:
        if not isinstance(actor, Table):
            return actor
        given = actor.entries.get("name")
        if given is not None and actor.text("name") != name:
            found = shown(given.value) if isinstance(given, Scalar) else kind(given)
            found = "nothing" if is_empty(given) else found
            self.library.problems.append(actor.key_position("name").problem(
                f"{found} differs from the key above it, {shown(name)}; leave it out"
            ))
        return self._label(
            with_entries(actor, name=Scalar(key_position, name, name)), name
        )

    def _named(self, whole: Table, group: str, finish: Callable[[Table], Table]) -> Table:
        """Return the objects of a list by their names."""
        node = whole.entries.get(group)
        if node is not None and not isinstance(node, Items):
            self.unreadable.add(group)
        result = Table(node.position if node else whole.position)
        for item, table in self._each(node, f"a table of one of the {group}") if node else ():
            name = table.text("name")
            if name is None:
                position = table.entries.get("name", table).position
                self.library.problems.append(position.problem(
                    "needs a name in text" if "name" in table.entries else "missing key 'name'",
                    key=table.position.child("name"),
                ))
                self.library.broken = True
            elif name in result.entries:
                self.library.problems.append(
                    item.position.problem(f"{shown(name)} is among the {group} twice")
                )
            else:
                result.entries[name] = finish(table)
                result.key_positions[name] = table.entries["name"].position
        return result

    def _flashpoint(self, table: Table) -> Table:
        def prepare(part: Table) -> Table:
            return self._label(part, part.text("name") or "flashpoint")

        whole = self._chain(table, self._parent_file, prepare)
        parties = whole.entries.get("third_parties")
        if isinstance(parties, Table):
            whole = with_entries(whole, third_parties=without_taken(parties))
        return with_entries(whole, extends=None)

    def _parent_file(self, link: Scalar) -> Table | None:
        return self.library.follow(link.value, link.position)

    def _parent_structure(self, link: Scalar) -> Table | None:
        name = link.value
        if is_file_name(name):
            return self.library.follow(name, link.position)
        for known in (self.structures, self.parents):
            if name in known:
                return known[name]
        beside = f"{name}.yaml"
        if "/" not in name and self.library.exists(self.library.target(beside, link.position)):
            return self.library.follow(beside, link.position)
        if not self.library.broken:
            self.library.problems.append(replace(link.position.problem(
                f"unknown structure {shown(name)} {suggestion(name, self.structures)}"
            ), cause=True))
        return None

    def _prepared_structure(self, table: Table) -> Table:
        owner = table.text("name") or "structure"
        pact = table.entries.get("pact")
        if isinstance(pact, Table):
            table = with_entries(table, pact=self._prepared_pact(pact, owner))
        return self._with_base_level(self._label(table, owner))

    def _with_base_level(self, table: Table) -> Table:
        """Keep the stated encirclement as a base, and drop an inherited level if pacts are new.

        Without this, a structure that adds a pact to today's alliances would inherit today's
        level as if it had been stated for the pact.
        """
        if "base_encirclement" in table.entries:
            self.library.problems.append(table.key_position("base_encirclement").problem(
                "unknown key 'base_encirclement' (did you mean 'encirclement'?)"
            ))
        if "encirclement" in table.entries:
            return with_entries(table, base_encirclement=table.entries["encirclement"])
        if "pact" in table.entries or "pacts" in table.entries:
            return with_entries(table, encirclement=Scalar(
                table.position, None, takes_away=True
            ))
        return table

    def _prepared_pact(self, pact: Table, owner: str) -> Table:
        return self._label(spelled_out(pact, self.library.problems), pact.text("name") or owner)

    def _listed_pacts(self, node: Node) -> Iterator[Table]:
        for _, table in self._each(node, "a pact"):
            def prepare(part: Table) -> Table:
                return self._prepared_pact(part, part.text("name") or "pact")

            whole = self._chain(table, self._parent_file, prepare)
            whole = without_taken(with_entries(whole, extends=None))
            orphan = table.position in self.orphans
            yield self._pact(whole, table.text("name") or "pact", orphan)

    def _pact(self, pact: Table, owner: str, orphan: bool) -> Table:
        # What it lacks as an orphan may stand in what was not found.
        whole = filled_in(pact, [] if orphan else self.library.problems)
        if orphan:
            self.orphans.add(pact.position)
        if "name" not in whole.entries:
            whole = with_entries(whole, name=Scalar(pact.position, owner, owner))
        return whole

    def _scenarios(self, whole: Table) -> dict[str, Table]:
        """Return the scenarios that the study names, and the one of the command line."""
        found = self._named(whole, "scenarios", lambda table: table)
        if WHAT_IF in found.entries:
            self.library.problems.append(found.key_position(WHAT_IF).problem(
                f"{shown(WHAT_IF)} is what --set asks for; give the scenario another name"
            ))
        asked = self.library.what_if()
        if asked is not None:
            found.entries[WHAT_IF] = asked
        scenarios = {k: table for k, table in found.entries.items() if isinstance(table, Table)}
        for table in scenarios.values():
            try:
                Scenario.model_validate(to_data(table))
            except ValidationError as error:
                self.library.problems.extend(problems_of(error, table))
        return scenarios

    def labelled(self, whole: Table) -> Table:
        """Return a study's tree with every prior that has no name yet named by where it stands."""
        found: dict[str, Node | None] = {}
        for group in ("actors", "flashpoints", "structures"):
            table = whole.entries.get(group)
            if isinstance(table, Table):
                parts = {
                    name: self._labelled_part(part, name) for name, part in table.entries.items()
                }
                found[group] = Table(table.position, parts, table.key_positions)
        return with_entries(whole, **found)

    def _labelled_part(self, part: Node, name: str) -> Node:
        if not isinstance(part, Table):
            return part
        pacts = part.entries.get("pacts")
        if isinstance(pacts, Items):
            items = tuple(
                self._label(pact, pact.text("name") or name) if isinstance(pact, Table) else pact
                for pact in pacts.items
            )
            part = with_entries(part, pacts=Items(pacts.position, items))
        return self._label(part, name)

    def _premise(self, table: Table) -> Table:
        """Set aside what a premise says of parameters, and return the rest of it."""
        for said in self._parameters(table):
            self.premises[table.text("name") or ""] = said
        return with_entries(table, parameters=None)

    def _parameters(self, table: Table) -> Iterator[Table]:
        node = table.entries.get("parameters")
        if isinstance(node, Table):
            yield node
        elif node is not None:
            self.library.problems.append(
                node.position.problem(f"expected a table of parameters, found {kind(node)}")
            )

    def _label(self, node: Table, owner: str) -> Table:
        """Return the tree with every inline prior named by where it stands below `owner`."""
        entries: dict[str, Node] = {}
        for key, entry in node.entries.items():
            entries[key] = self._label_below(entry, f"{owner}.{key}")
        return Table(node.position, entries, node.key_positions, node.whole)

    def _label_below(self, node: Node, name: str) -> Node:
        if not isinstance(node, Table):
            return node
        if not is_prior(node):
            return self._label(node, name)
        if "name" in node.entries:
            given = node.entries["name"]
            # Named already, by the pact that it stands in.
            if given.position != node.position:
                self.library.problems.append(node.key_position("name").problem(
                    "unknown key 'name': a prior is named by where it stands"
                ))
            return node
        return with_entries(node, name=Scalar(node.position, name, name))


def _with_whole_answer(study: Table) -> Table:
    """Keep a question that names both of its structures from being mixed with an inherited one."""
    compare = study.entries.get("compare")
    answer = compare.entries.get("answer") if isinstance(compare, Table) else None
    if not isinstance(answer, Table) or not {"structure", "against"} <= answer.entries.keys():
        return study
    own = with_entries(study.entries["compare"], answer=replace(answer, whole=True))
    return with_entries(study, compare=own)


def _own_question(whole: Table, root: Table) -> Table:
    """Drop the inherited question of a study that has not both of its structures."""
    compare = whole.entries.get("compare")
    answer = compare.entries.get("answer") if isinstance(compare, Table) else None
    if compare is None or not isinstance(answer, Table) or (
        answer.position.file == root.position.file
    ):
        return whole
    asked = {answer.text(key) for key in ("structure", "against", "also")} - {None}
    if asked <= set(_keys(whole, "structures")):
        return whole
    return with_entries(whole, compare=with_entries(compare, answer=None))


def _keys(whole: Table, group: str) -> list[str]:
    table = whole.entries.get(group)
    return list(table.entries) if isinstance(table, Table) else []


def _inline_priors(whole: Table) -> Iterator[tuple[str, Position]]:
    """Yield the name of every inline prior and where it was written."""
    for node in walk(whole):
        if isinstance(node, Table) and is_prior(node):
            yield node.text("name") or "", node.position


def _same_names(whole: Table) -> Iterator[Problem]:
    """Find inline priors written at two positions that give them the same name.

    One that a child's own value has replaced is no longer part of the study.
    """
    namesakes = set(_namesakes(whole))
    first: dict[str, Position] = {}
    for name, position in dict.fromkeys(_inline_priors(whole)):
        other = first.setdefault(name, position)
        if other != position:
            where = f"{other.file}:{other.line}" if other.line else other.key
            owner = name.partition(".")[0]
            advice = f"rename {shown(owner)} in one of the two"
            if owner in namesakes:
                advice = "give the pact a name of its own, `pact: {name: ...}`"
            yield position.problem(
                f"two priors would be named {shown(name)}, this one and that at {where}; {advice}"
            )


def _namesakes(whole: Table) -> Iterator[str]:
    """Yield the structures one of whose pacts has their name."""
    structures = whole.entries.get("structures")
    for name, structure in structures.entries.items() if isinstance(structures, Table) else ():
        pacts = structure.entries.get("pacts") if isinstance(structure, Table) else None
        for pact in pacts.items if isinstance(pacts, Items) else ():
            if isinstance(pact, Table) and pact.text("name") == name:
                yield name
