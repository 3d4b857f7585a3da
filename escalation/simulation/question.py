"""What a campaign asks: the study as its text says it, and what else fixes its counts."""

from __future__ import annotations

import json
from typing import Any

from escalation.errors import InputError
from escalation.parameters.posterior import Posterior
from escalation.simulation.campaign_plan import CampaignPlan
from escalation.study import Study, study_from_text
from escalation.study.names import shown


def study_of_text(study: Study) -> Study:
    """Return a study as its text says it.

    Raises
    ------
    InputError
        It was changed in Python, so that its text would not bring it back.
    """
    again = study_from_text(study.text)
    if not study.as_read or study.plan.design != again.plan.design:
        raise InputError(f"study {study.name}: it was changed after it was read; a campaign needs "
                         "one that its text describes")
    return again


def check_same(
    plan: CampaignPlan,
    study: Study,
    seed: int | None,
    defaults: bool,
    sweep: bool,
    source: Posterior | None,
) -> None:
    """Raise an InputError if a campaign asks something else; `study` is as its text says it."""
    if study.sha256 != plan.study_sha256:
        raise InputError(_other_study(_plain(plan.study()), _plain(study)))
    wanted = {
        "seed": (plan.seed if seed is None else seed, plan.seed),
        "defaults": (defaults, plan.defaults),
        "sweep": (sweep, plan.sweep),
        "posterior": ("" if source is None else source.sha256[:12], plan.posterior_sha256[:12]),
    }
    for name, (asked, there) in wanted.items():
        if asked != there:
            raise InputError(f"{name}: the campaign has {_words(there)}, not {_words(asked)}; "
                             "a campaign keeps its question, begin another")


def _other_study(there: Any, asked: Any) -> str:
    where = _difference(there, asked)
    if where in ("plan.draws", "plan.trajectories"):
        option = where.removeprefix("plan.")
        return (f"study: the campaign has another {where}; leave the file as it was and extend "
                f"the campaign with --{option}")
    return (f"study: the campaign has another {shown(where)[1:-1]}; a campaign keeps its "
            "question, begin another")


def _plain(study: Study) -> Any:
    return json.loads(study.model_dump_json(exclude={"text", "read_sha256"}))


def _difference(there: Any, asked: Any, path: str = "") -> str:
    """Return the dotted path of the first place where plain data differ, or their order."""
    if not isinstance(there, dict) or not isinstance(asked, dict):
        return path
    for key in dict.fromkeys([*there, *asked]):
        if key not in there or key not in asked or there[key] != asked[key]:
            below = f"{path}.{key}" if path else key
            return _difference(there.get(key), asked.get(key), below)
    return "order of names"


def _words(value: object) -> str:
    return "none" if value == "" else str(value)
