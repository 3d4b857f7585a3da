"""How two structures differ, in words."""

from __future__ import annotations

import os
from collections.abc import Iterator

from pydantic import ValidationError

from escalation.errors import InputError, StudyError
from escalation.study.assembly import Assembly
from escalation.study.loader import load_study
from escalation.study.messages import problems_of
from escalation.study.names import shown, suggestion
from escalation.study.nodes import Position, to_data
from escalation.study.quantity import Figure, InlinePrior, Number, ParameterRef
from escalation.study.references import Library, is_file_name
from escalation.study.schema import Pact, Structure, Study

ABSENT = "none"


def diff(
    a: str | os.PathLike[str],
    b: str | os.PathLike[str],
    study: Study | str | os.PathLike[str] | None = None,
) -> list[str]:
    """Say how structure `b` differs from structure `a`, everything inherited included.

    Parameters
    ----------
    a, b : str or path-like
        Structure files, or names of structures of `study`.
    study : Study, str or path-like, optional
        Study, or its file, in which names are looked up.

    Returns
    -------
    list of str
        One line ``key: value in a -> value in b`` for each difference; empty when the two
        say the same.

    Raises
    ------
    StudyError
        If a file is not a usable structure.
    InputError
        If a name is not one of the study's structures.

    Examples
    --------
    >>> import escalation
    >>> lines = escalation.diff("trilateral", "hub_and_spoke", "configs/asian_nato.yaml")
    >>> lines[-1]
    'pact.nuclear_sharing: no -> none'
    """
    if study is not None and not isinstance(study, Study):
        study = load_study(study)
    left, right = (dict(_facts(_find(which, study))) for which in (a, b))
    keys = sorted(dict.fromkeys((*left, *right)), key=_reading_order)
    pairs = ((key, left.get(key, ABSENT), right.get(key, ABSENT)) for key in keys)
    return [f"{key}: {one} -> {other}" for key, one, other in pairs if one != other]


_ORDER = ("title", "encirclement", "decision_delay_days", "commitments", "pact", "pacts", "actors")


def _reading_order(key: str) -> tuple[int, str]:
    return _ORDER.index(key.partition(".")[0]), key


def _find(which: str | os.PathLike[str], study: Study | None) -> Structure:
    typed = os.fspath(which)
    if study is not None and typed in study.structures:
        return study.structures[typed]
    if is_file_name(typed) or os.path.exists(typed):
        return load_structure(typed)
    choices = suggestion(typed, study.structures) if study is not None else "(or give its file)"
    raise InputError(f"unknown structure {shown(typed)} {choices}")


def load_structure(path: str | os.PathLike[str]) -> Structure:
    """Read one structure file with all that it extends, without a study around it.

    Names of actors, theatres and parameters are not checked, since only a study knows them.

    Raises
    ------
    StudyError
        With every problem found.
    """
    folder, name = os.path.split(os.fspath(path))
    library = Library(folder)
    root = library.open(name, Position(library.shown_path(name)))
    if root is None:
        raise StudyError(library.problems)
    whole = Assembly(library).structure(root)
    try:
        structure = Structure.model_validate(to_data(whole))
    except ValidationError as error:
        library.problems.extend(problems_of(error, whole))
    if library.problems:
        raise StudyError(library.problems)
    return structure


def in_words(value: object) -> str:
    """Return a quantity, or any other value of a study, as a reader would write it."""
    match value:
        case None:
            return ABSENT
        case Number() | Figure():
            return f"{value.value:g}"
        case ParameterRef():
            return value.parameter if value.scale == 1 else f"{value.scale:g} x {value.parameter}"
        case InlinePrior():
            own = "" if value.default is None else f", default {value.default:g}"
            return f"{value.prior.describe()}{own}"
        case bool():
            return "yes" if value else "no"
    return str(value)


def _facts(structure: Structure) -> Iterator[tuple[str, str]]:
    level = structure.encirclement
    yield "title", structure.title
    yield "encirclement", in_words(level) if level is not None else (
        f"highest of {in_words(structure.base_encirclement)} and its pacts"
    )
    yield "decision_delay_days", in_words(structure.decision_delay_days)
    for actor, theatres in structure.commitments.items():
        for theatre, quantity in theatres.items():
            yield f"commitments.{actor}.{theatre}", in_words(quantity)
    for pact in structure.pacts:
        # An inline pact bears its structure's name, which would make every line differ.
        label = "pact" if pact.name == structure.name else f"pacts.{pact.name}"
        yield from _pact_facts(label, pact)
    for actor, override in structure.actors.items():
        for key in ("staunch_logit", "stake_scale"):
            if getattr(override, key) is not None:
                yield f"actors.{actor}.{key}", in_words(getattr(override, key))


def _pact_facts(label: str, pact: Pact) -> Iterator[tuple[str, str]]:
    yield f"{label}.decision_delay_days", in_words(pact.decision_delay_days)
    yield f"{label}.encirclement", in_words(pact.encirclement)
    yield f"{label}.nuclear_sharing", in_words(pact.nuclear_sharing)
    for name, share in pact.covers.items():
        yield f"{label}.covers.{name}", in_words(share)
    for actor, member in pact.members.items():
        position = f"{label}.members.{actor}"
        if isinstance(member.bindingness, dict):
            for theatre, quantity in member.bindingness.items():
                yield f"{position}.bindingness.{theatre}", in_words(quantity)
        else:
            yield f"{position}.bindingness", in_words(member.bindingness)
        yield f"{position}.realised", in_words(member.realised)
