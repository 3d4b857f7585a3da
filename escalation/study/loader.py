"""Read a study and everything that it names; report every mistake at once."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from escalation.errors import (
    SHOWN_PROBLEMS,
    InputError,
    Problem,
    StudyError,
    StudyWarning,
    listed_problems,
)
from escalation.parameters.priors import Fixed
from escalation.parameters.registry import REGISTRY, Parameter
from escalation.study.assembly import Assembly, Context
from escalation.study.base import parts_of
from escalation.study.correlations import impossible as impossible_correlations
from escalation.study.idle import Words, idle, played, unread
from escalation.study.inherit import with_entries
from escalation.study.messages import problems_of
from escalation.study.names import listed, nearest, shown, suggestion
from escalation.study.nodes import Items, Position, Scalar, Table, from_data, kind, to_data
from escalation.study.overrides import (
    ParameterOverride,
    impossible,
    not_a_change,
    overridden,
    patched,
)
from escalation.study.quantity import InlinePrior
from escalation.study.references import ASKED, CHOSEN, WHAT_IF, Library
from escalation.study.schema import Study
from escalation.study.theatres import strange_places, unnamed_theatres
from escalation.study.vocabulary import MAX_NAME, MAX_TITLE
from escalation.study.yaml_text import read_yaml

BUILT_IN_PYTHON = "<study>"
"""Stands for the file of a study that was never in one."""


def load_study(
    path: str | os.PathLike[str], what_if: Mapping[str, Any] | None = None
) -> Study:
    """Read a study file and all files that it names.

    Parameters
    ----------
    path : str or path-like
        The study file, in YAML.
    what_if : mapping of str to object, optional
        Values by path, as under ``set`` of a scenario: the study has one more scenario then,
        named ``what_if``.

    Returns
    -------
    Study
        Checked and complete.

    Raises
    ------
    StudyError
        With every problem of every file, each with file, line, column and dotted key.

    Warns
    -----
    StudyWarning
        For everything in the study that has no effect.

    Examples
    --------
    >>> load_study("configs/asian_nato.yaml").horizon_years
    10
    >>> study = load_study("configs/asian_nato.yaml", {"japan.domestic_veto": 0.6})
    >>> study.scenarios["what_if"].parameters["japan.domestic_veto"].default
    0.6
    """
    typed = os.fspath(path)
    if not typed.isprintable():
        raise StudyError([Problem(shown(typed), 0, 0, "", "is not a usable file name")])
    folder, name = os.path.split(typed)
    library = Library(folder, asked=_asked(what_if or {}))
    study = _from_library(library, name)
    _warn(library.notes)
    return study


def _asked(changes: Mapping[str, Any]) -> str:
    """Return the text of a scenario that sets values by path; empty for none."""
    if not changes:
        return ""
    title = ", ".join(f"{path} = {value}" for path, value in changes.items())
    return as_text({"name": WHAT_IF, "title": title[:MAX_TITLE], "set": dict(changes)})


def value_of(text: str) -> Any:
    """Return the value that a text in YAML holds.

    Raises
    ------
    StudyError
        It is no YAML.

    Examples
    --------
    >>> value_of("0.6"), value_of("beta(2, 6)"), value_of("{median: 7, range: [3, 16]}")
    (0.6, 'beta(2, 6)', {'median': 7, 'range': (3, 16)})
    """
    problems: list[Problem] = []
    root = read_yaml(text, ASKED, problems)
    if problems or root is None:
        raise StudyError(problems)
    return to_data(root)


def parse_study(
    content: Mapping[str, Any] | str,
    base_dir: str | os.PathLike[str] = "",
) -> Study:
    """Build a study from a mapping or YAML text, without a file.

    Parameters
    ----------
    content : mapping or str
        The study, as in a study file.
    base_dir : str or path-like
        Folder that file names in it start from; the current one unless given.

    Returns
    -------
    Study
        Checked and complete.

    Raises
    ------
    StudyError
        With every problem found.

    Warns
    -----
    StudyWarning
        For everything in the study that has no effect.

    Examples
    --------
    >>> study = parse_study({
    ...     "name": "tiny", "great_power": "a", "reference": "alone",
    ...     "actors": {n: {"alignment": 0, "trade_dependence": {}} for n in ("a", "b", "c")},
    ...     "flashpoints": [{
    ...         "name": "islet", "theatre": "sea", "challenger": "b", "defender": "c",
    ...         "challenger_stake": 1, "defender_stake": 2, "defender_power": 0.2,
    ...         "onset_rate": 0.3, "third_parties": {"a": {"power": 0.5, "stake": 0.5}},
    ...     }],
    ...     "structures": [{
    ...         "name": "alone", "decision_delay_days": 7, "commitments": {"a": {"sea": 0.4}},
    ...     }],
    ... })
    >>> study.structures["alone"].commitment("a", "sea").at({})
    0.4
    """
    library = Library(os.fspath(base_dir))
    if isinstance(content, str):
        root = read_yaml(content, BUILT_IN_PYTHON, library.problems)
        text = content
    else:
        root = from_data(content, BUILT_IN_PYTHON, library.problems)
        text = as_text(to_data(root))
    library.text[BUILT_IN_PYTHON] = text
    if root is not None and not isinstance(root, Table):
        position = Position(BUILT_IN_PYTHON)
        library.problems.append(position.problem(f"expected keys with values, found {kind(root)}"))
    study = _finished(library, root if isinstance(root, Table) else None)
    _warn(library.notes)
    return study


def _warn(notes: list[Problem]) -> None:
    for line in listed_problems(sorted(set(notes))):
        warnings.warn(line, StudyWarning, stacklevel=3)


def as_text(data: Any) -> str:
    """Return plain data as text that :func:`study_from_text` reads back to the same values.

    JSON, except that a float in exponent form gets the dot without which YAML takes it for text.
    """
    if isinstance(data, dict):
        entries = (f"{json.dumps(key)}: {as_text(value)}" for key, value in data.items())
        return "{" + ",\n".join(entries) + "}"
    if isinstance(data, tuple):
        return "[" + ", ".join(as_text(item) for item in data) + "]"
    if isinstance(data, float):
        mantissa, mark, exponent = repr(data).partition("e")
        return f"{mantissa}.0e{exponent}" if mark and "." not in mantissa else repr(data)
    # Characters beyond ASCII stay: JSON's pairs of escapes mean something else to YAML.
    return json.dumps(data, ensure_ascii=False)


def study_from_text(text: Mapping[str, str], *, told: bool = False) -> Study:
    """Build a study from the texts that an earlier one kept in `Study.text`.

    Parameters
    ----------
    text : mapping of str to str
        Source text by file, the study itself first.
    told : bool
        Whether what has no effect is told, as when it was read first.

    Raises
    ------
    StudyError
        With every problem found; files outside `text` are not looked for.
    """
    if not text:
        raise StudyError([Problem(BUILT_IN_PYTHON, 0, 0, "", "no study text was kept")])
    library = Library(stored=dict(text))
    study = _from_library(library, next(iter(text)))
    if told:
        _warn(library.notes)
    return study.scenarios[text[CHOSEN]] if CHOSEN in text else study


def _from_library(library: Library, name: str) -> Study:
    return _finished(library, library.open(name, Position(library.shown_path(name))))


def _finished(library: Library, root: Table | None) -> Study:
    if root is None:
        raise StudyError(library.problems)
    assembly = Assembly(library)
    whole = assembly.study(root)
    context = assembly.context(whole)
    study = _validated(whole, context, assembly)
    _look_up_places(whole, context, assembly)
    changes = [
        (table, name, change) for table in assembly.changes
        for name, change in _changes(_of_this_study(table, context, assembly), context, library)
    ]  # fmt: skip
    rival = {
        premise: [
            (table, name, change)
            for name, change in _changes(_spoken_to(table, whole, assembly), context, library)
        ]
        for premise, table in assembly.premises.items()
    }
    _tell_absent(assembly)
    if study is None or library.problems:
        raise StudyError(library.problems)
    parameters = _parameters(study, changes, library)
    premises = {
        name: premise.model_copy(
            update={"parameters": _changed(parameters, rival.get(name, []), library)}
        )
        for name, premise in study.premises.items()
    }
    _check_sweep(study, parameters, whole, library)
    _check_correlations(study, parameters, whole, library)
    words = Words(
        study.model_copy(update={"premises": premises}), root, whole,
        assembly.tables_elsewhere(), assembly.inherited, changes, rival,
        assembly.structures,
    )
    for nowhere, problem in unnamed_theatres(words):
        (library.problems if nowhere else library.notes).append(problem)
    if library.problems:
        raise StudyError(library.problems)
    library.notes.extend(idle(words))
    found = {"parameters": parameters, "premises": premises}
    study = study.model_copy(update=found).with_text(library.text)
    scenarios = {
        name: scenario for name, table in assembly.scenarios.items()
        if (scenario := _scenario(study, whole, table, assembly)) is not None
    }
    if library.problems:
        raise StudyError(library.problems)
    return study.model_copy(update={"scenarios": scenarios})


def _scenario(base: Study, whole: Table, table: Table, assembly: Assembly) -> Study | None:
    """Return the study of a scenario: its headline rule, without premises and sweeps."""
    library, name = assembly.library, table.text("name") or ""
    stated = table.entries.get("set")
    if not isinstance(stated, Table) or not stated.entries:
        library.problems.append(table.key_position("set").problem(
            f"scenario {shown(name)} sets nothing; write `set: {{PATH: VALUE}}`"
        ))
        return None
    study = _with_values(base, whole, stated, assembly)
    if study is None or library.problems:
        return None
    library.notes.extend(_set_in_vain(base, study, whole, stated, assembly))
    title = table.text("title") or name.replace("_", " ")
    return study.model_copy(update={
        "name": f"{base.name}_{name}"[:MAX_NAME],
        "title": f"{base.title}: {title}"[:MAX_TITLE],
        "premises": {}, "decision_rules": study.decision_rules[:1],
        "compare": study.compare.model_copy(update={"sweep": ()}),
    }).with_text({**base.text, CHOSEN: name})


def _with_values(base: Study, whole: Table, stated: Table, assembly: Assembly) -> Study | None:
    """Return a study with other values at some paths, and its parameters as they are then."""
    library = assembly.library
    tree, said = patched(whole, stated, base.parameters, library.problems)
    tree = assembly.labelled(with_entries(tree, premises=None))
    context = assembly.context(tree)
    study = _validated(tree, context, assembly)
    changes = [
        (stated_by, parameter, change) for stated_by in (*assembly.changes, said)
        for parameter, change in _changes(
            _known_alone(stated_by, context), context, library
        )
    ]
    library.problems.extend(strange_places(tree, context)[0])
    if study is None or library.problems:
        return None
    words = Words(study, tree, tree, assembly.tables_elsewhere(), set(), [], {}, {})
    library.problems.extend(problem for nowhere, problem in unnamed_theatres(words) if nowhere)
    return study.model_copy(update={"parameters": _parameters(study, changes, library)})


def _set_in_vain(
    base: Study, study: Study, whole: Table, stated: Table, assembly: Assembly
) -> Iterator[Problem]:
    """Yield the paths of a scenario without which it would be the same."""
    vain, problems = unread(study), assembly.library.problems
    for path in stated.entries:
        at = stated.key_position(path)
        if path in vain:
            yield at.problem(f"has no effect: {vain[path]}")
            continue
        others = with_entries(stated, **{path: None})
        without = _with_values(base, whole, others, assembly) if others.entries else base
        problems.clear()  # of a change that needs this one
        if without is not None and played(without) == played(study):
            yield at.problem("has no effect: without it, all that is played is the same")


def _known_alone(table: Table, context: Context) -> Table:
    """Return what is said of parameters without those that a scenario's values have replaced."""
    known = context["parameters"]
    gone = [name for name in table.entries if known is not None and name not in known]
    return with_entries(table, **dict.fromkeys(gone))


def recheck(study: Study) -> None:
    """Hold a study against its schema again, before it is run.

    ``model_copy(update=...)`` checks nothing, so that a stake of a billion, or a horizon that is
    no number, would otherwise reach the tables.

    Raises
    ------
    InputError
        Something in it is none of what may stand there; the message names the first.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of values of the wrong type, which are refused below
            text = study.model_dump_json(exclude={"text"})
        # Theatres and structures that a smaller study no longer has may still be spoken of.
        known = {"actors": list(study.actors), "parameters": study.parameters}
        Study.model_validate_json(text, context=known)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        position = ".".join(map(str, first["loc"])) or "study"
        raise InputError(f"{position}: {first['msg']}") from None
    except (PydanticSerializationError, AttributeError, TypeError, ValueError) as error:
        raise InputError(f"study: cannot be run as it stands: {error}") from None
    if study.reference not in study.structures:
        choices = suggestion(str(study.reference), study.structures)
        raise InputError(f"reference: unknown structure {shown(study.reference)} {choices}")


def _validated(whole: Table, context: Context, assembly: Assembly) -> Study | None:
    problems = assembly.library.problems
    for key in ("text", "read_sha256"):
        if key in whole.entries:
            problems.append(whole.key_position(key).problem(f"unknown key {key!r}"))
    try:
        return Study.model_validate(to_data(whole), context=context)
    except ValidationError as error:
        problems.extend(problems_of(error, whole, assembly.orphans))
        return None


def _look_up_places(whole: Table, context: Context, assembly: Assembly) -> None:
    library = assembly.library
    problems, notes = strange_places(whole, context)
    library.problems.extend(problems)
    library.notes.extend(note for note in notes if note.file not in assembly.inherited)


def _changes(
    table: Table, context: Context, library: Library
) -> Iterator[tuple[str, ParameterOverride]]:
    known, unknown = context["parameters"], 0
    for name, node in table.entries.items():
        if known is not None and name not in known:
            unknown += 1
            choices = suggestion(name, known) if unknown <= SHOWN_PROBLEMS else ""
            library.problems.append(table.key_position(name).problem(
                f"unknown parameter {shown(name)} {choices}".rstrip()
            ))
            continue
        fault = not_a_change(node)
        if fault:
            library.problems.append(node.position.problem(fault))
            continue
        try:
            yield name, ParameterOverride.model_validate(to_data(node))
        except ValidationError as error:
            library.problems.extend(problems_of(error, node))


def _of_this_study(table: Table, context: Context, assembly: Assembly) -> Table:
    """Return what a study says of parameters without what it says of parts that it does not have.

    It may be written for more structures and places than one study plays. A name that looks like
    a slip stays, to be refused.
    """
    parts = set(_parts(context))
    absent = {
        name: table.key_position(name) for name in table.entries
        if _is_absent(name, context) and name.partition(".")[0] not in parts
    }
    assembly.absent.update(
        {name: at for name, at in absent.items() if at.file not in assembly.inherited}
    )
    return with_entries(table, **dict.fromkeys(absent))


def _spoken_to(table: Table, whole: Table, assembly: Assembly) -> Table:
    """Return what a premise says without what it says of parameters that this study does not have.

    A premise may be written for other studies, even for one that has a prior where this one has
    a number. That is told, unless the study inherits the premise.
    """
    context = assembly.context(whole)
    absent = [name for name in table.entries if _is_absent(name, context)]
    stated = whole.entries.get("premises")
    if stated is not None and stated.position.file not in assembly.inherited:
        assembly.absent.update({name: table.key_position(name) for name in absent})
    return with_entries(table, **dict.fromkeys(absent))


def _parts(context: Context) -> Iterator[str]:
    """Yield the names that an inline prior's name may start with."""
    for group in ("actors", "flashpoints", "structures"):
        yield from context[group] or ()
    yield from (name.partition(".")[0] for name in context["parameters"] or () if "." in name)


def _is_absent(name: str, context: Context) -> bool:
    """Tell whether an inline prior is named that the study does not have, and that is no slip."""
    known = context["parameters"]
    if known is None or name in known or "." not in name:
        return False
    part, _, place = name.partition(".")
    if part in (context["left_out"] or ()):
        return True
    parts = set(_parts(context))
    if part not in parts:
        return nearest(part, parts) is None
    return nearest(place, [other.partition(".")[2] for other in known
                           if other.startswith(f"{part}.")]) is None  # fmt: skip


def _tell_absent(assembly: Assembly) -> None:
    if assembly.absent:
        names = " or ".join(listed(map(shown, assembly.absent), most=12).rsplit(" and ", 1))
        first = next(iter(assembly.absent.values()))
        assembly.library.notes.append(
            first.problem(f"has no effect: this study has no parameter {names}")
        )


def _parameters(
    study: Study,
    changes: list[tuple[Table, str, ParameterOverride]],
    library: Library,
) -> dict[str, Parameter]:
    result = dict(REGISTRY)
    for prior in parts_of(study, InlinePrior):
        result[prior.name] = prior.as_parameter()
    return result | _changed(result, changes, library)


def _changed(
    entries: dict[str, Parameter],
    changes: list[tuple[Table, str, ParameterOverride]],
    library: Library,
) -> dict[str, Parameter]:
    """Return the parameters that are changed, as the last change leaves them."""
    found: dict[str, Parameter] = {}
    for table, name, change in changes:
        entry = found.get(name, entries[name])
        try:
            found[name] = overridden(entry, change, library.origin(table.position))
            fault = impossible(found[name])
        except ValueError as error:  # a range beyond the parameter's bounds
            fault = str(error)
        if fault:
            library.problems.append(table.entries[name].position.problem(fault))
    return found


def _check_sweep(
    study: Study, parameters: dict[str, Parameter], whole: Table, library: Library
) -> None:
    compare = whole.entries.get("compare")
    sweep = compare.entries.get("sweep") if isinstance(compare, Table) else None
    for item in sweep.items if isinstance(sweep, Items) else ():
        name = item.value if isinstance(item, Scalar) else ""
        if name in parameters and isinstance(parameters[name].prior, Fixed):
            library.problems.append(item.position.problem(
                f"parameter {shown(name)} is fixed, so there is nothing to sweep over"
            ))


def _check_correlations(
    study: Study, parameters: dict[str, Parameter], whole: Table, library: Library
) -> None:
    stated = whole.entries.get("correlations")
    if isinstance(stated, Items):
        for number, fault in impossible_correlations(study.correlations, parameters):
            library.problems.append(stated.items[number].position.problem(fault))
