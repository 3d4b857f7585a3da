"""The decision rules by name: what fills the tables of choices.

Whatever the rule, the kernel looks up the same integer tables. A further rule is a further
entry here and in :data:`escalation.contracts.codes.DECISION_RULES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from escalation.errors import InputError
from escalation.model import choices, prospect_choices
from escalation.study.names import shown, suggestion


@dataclass(frozen=True)
class Rule:
    """How a decision rule turns the numbers of a block into tables.

    Attributes
    ----------
    fill_choices : callable
        Fills the tables of choices, brink and onset, as
        :func:`escalation.model.choices.fill_choices`.
    mean_opening : callable
        Averages the response of onset under the reference structure, as
        :func:`escalation.model.choices.mean_opening`.
    """

    fill_choices: Callable[..., None]
    mean_opening: Callable[..., None]


RULES: Mapping[str, Rule] = MappingProxyType({
    "expected_utility": Rule(choices.fill_choices, choices.mean_opening),
    "prospect_theory": Rule(prospect_choices.fill_choices, prospect_choices.mean_opening),
})


def decision_rule(name: str) -> Rule:
    """Return a decision rule by name.

    Raises
    ------
    InputError
        There is no such rule.
    """
    if name not in RULES:
        raise InputError(f"unknown decision rule {shown(name)} {suggestion(name, RULES)}")
    return RULES[name]
