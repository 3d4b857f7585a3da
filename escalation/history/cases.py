r"""The historical cases: what the model predicts for each, and where the actual outcome fell.

A case is a study of one flashpoint under one structure, those of its time. It is run with
every dispute grave and with every dispute routine (``grave_share`` 1 and 0), so that all counts
are conditional on the class. For each draw of the parameters the counts give shares; the
prediction is their mean over draws, and their 5-95 % range says how much the parameters leave
open.

No case is fitted as such, but the dispute or crisis that it is may be among the rows that the
posterior was fitted to: ``used_for_fitting`` names those cases. They are in the books because they
became crises, so they say nothing about how often a dispute becomes one. Twelve cases, none of
them a war, cannot validate a probability of war: had each a chance of 0.1 to become one, none
would do so with chance 0.28.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from escalation.contracts import codes
from escalation.errors import InputError
from escalation.history.case_outcomes import Outcome, read_outcomes
from escalation.history.case_scores import (
    END_STATES,
    FLAGS,
    LEVELS,
    Json,
    forecast,
    predicted,
    scored,
)
from escalation.history.fitted import knows
from escalation.parameters.posterior import shipped_posterior
from escalation.parameters.priors import Fixed

if TYPE_CHECKING:
    from escalation.simulation.plan import PlanOptions
    from escalation.study.schema import Study

MID_SHARES = (0.0209, 0.2706, 0.6918, 0.0168)
"""Disputes by highest level 2 to 5, COW Militarized Interstate Disputes 5.0, 1946-2014."""
ICB_WAR_SHARE = 0.167
"""Crises with full-scale war, International Crisis Behavior v14, 1946-2017."""
MID_RECIPROCATED = 0.50
"""Disputes reciprocated, COW Militarized Interstate Disputes 5.0, 1946-2014."""


def _crisis_shares() -> tuple[float, ...]:
    """War as often as in ICB crises, the levels below it in the proportions of MID disputes."""
    below = sum(MID_SHARES[:3])
    return (*((1 - ICB_WAR_SHARE) * share / below for share in MID_SHARES[:3]), ICB_WAR_SHARE)


LEVEL_REFERENCES: Mapping[str, tuple[float, ...]] = {
    "uniform": (0.25,) * 4,
    "mid": MID_SHARES,
    "icb": _crisis_shares(),
}
"""What the model's log score of the level is set against; `icb` is MID below war."""


def only(study: Study, dispute_class: str) -> Study:
    """Return the study with every dispute of one class."""
    share = float(codes.DISPUTE_CLASSES.index(dispute_class))
    entry = replace(study.parameters["grave_share"], prior=Fixed(), default=share)
    return study.model_copy(update={"parameters": {**study.parameters, "grave_share": entry}})


def run_cases(
    studies: Mapping[str, Study],
    outcomes: Mapping[str, Outcome],
    *,
    prior: bool = False,
    trajectories: int = 2_000,
    draws: int = 64,
    seed: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Json:
    """Run every case and score it.

    Parameters
    ----------
    studies : mapping of str to Study
        By name of the case; one flashpoint and one structure each.
    outcomes : mapping of str to Outcome
        What happened, by the same names.
    prior : bool
        Draw the parameters from their priors although a posterior is at hand.
    trajectories, draws : int
        Histories of one year per draw, and draws.
    seed : int, optional
        By default each study's own.
    progress : callable, optional
        Called with (cases done, cases in all).

    Returns
    -------
    dict
        Ready for JSON: ``cases`` by name, each with ``actual``, ``grave`` and ``routine`` (each
        with ``predicted`` and ``score``), ``summary`` by class, and ``used_for_fitting``, the
        cases whose dispute or crisis the posterior was fitted to.

    Raises
    ------
    InputError
        A study with more than one flashpoint or structure, or numbers out of range.
    """
    plan = {"trajectories": trajectories, "draws": draws, "seed": seed}
    options: PlanOptions = {
        "trajectories": trajectories, "draws": draws, "seed": seed, "sweep": False,
    }  # fmt: skip
    source = "prior" if prior else None
    found = {}
    for name, study in studies.items():
        _check_single(name, study)
        found[name] = _case(study, outcomes[name], options, source)
        if progress is not None:
            progress(len(found), len(studies))
    return {
        "cases": found,
        "summary": {c: summary(found, c) for c in codes.DISPUTE_CLASSES},
        "plan": plan,
        "parameter_source": next(iter(found.values()))["grave"]["parameter_source"],
        "used_for_fitting": [] if prior else _known(outcomes),
    }


def _known(outcomes: Mapping[str, Outcome]) -> list[str]:
    """Cases whose dispute or crisis the shipped posterior was fitted to."""
    posterior = shipped_posterior()
    notes = {} if posterior is None else posterior.provenance
    found = []
    for name, outcome in outcomes.items():
        mid, icb = (
            None if entry is None else (entry.value, entry.year)
            for entry in (outcome.mid, outcome.icb)
        )  # fmt: skip
        if knows(notes, mid, icb):
            found.append(name)
    return found


def _case(study: Study, outcome: Outcome, options: PlanOptions, source: str | None) -> Json:
    from escalation.simulation.run import run

    actual = {**outcome.model_dump(mode="json"), "mid_level": outcome.mid_level}
    case: Json = {"title": study.title, "great_power": study.great_power, "actual": actual}
    for dispute_class in codes.DISPUTE_CLASSES:
        ds = run(only(study, dispute_class), source=source, **options)
        prediction = predicted(forecast(ds, dispute_class))
        case[dispute_class] = {
            "parameter_source": str(ds.attrs.get("parameter_source", "prior")),
            "predicted": prediction,
            "score": scored(prediction, outcome),
        }
    return case


def _check_single(name: str, study: Study) -> None:
    if len(study.flashpoints) != 1 or len(study.structures) != 1:
        raise InputError(
            f"cases: {name} has {len(study.flashpoints)} flashpoints and {len(study.structures)} "
            "structures; a case has one of each"
        )


def summary(cases: Mapping[str, Json], dispute_class: str) -> Json:
    """Sum up the scores of all cases under one class.

    Returns
    -------
    dict
        ``log_score``: mean per target of the model and of each reference, with the standard
        error of the paired difference, and the model's with the worst and best of the arguable
        codings. ``in_90``:
        cases inside. ``percentile``: by target, in the order of the cases. ``counts``: of
        wars and of what the defender and the great power did, expected and observed.
    """
    scores = [case[dispute_class]["score"] for case in cases.values()]
    levels = [LEVELS.index(case["actual"]["mid_level"]) for case in cases.values()]
    references = {
        "mid_level": {k: [math.log(p[y]) for y in levels] for k, p in LEVEL_REFERENCES.items()},
        "end_state": {"uniform": [-math.log(len(END_STATES))] * len(scores)},
        "reciprocated": {"mid": [_binary(case, MID_RECIPROCATED) for case in cases.values()]},
    }
    ordered = ("peak_rung", "mid_level", "duration")
    return {
        "n": len(scores),
        "log_score": {t: _against([s[t] for s in scores], r) for t, r in references.items()},
        "in_90": {t: sum(s[t]["in_90"] for s in scores) for t in ordered},
        "percentile": {t: [s[t]["percentile"] for s in scores] for t in ordered},
        "counts": {
            "war": _count(
                [case[dispute_class]["predicted"]["war"]["mean"] for case in cases.values()],
                [level == LEVELS.index(5) for level in levels],
            ),
            **{name: _flag_count(cases, dispute_class, name) for name in FLAGS},
        },
    }


def _flag_count(cases: Mapping[str, Json], dispute_class: str, name: str) -> Json:
    known = [case for case in cases.values() if name in case[dispute_class]["score"]]
    return _count(
        [case[dispute_class]["predicted"][name]["mean"] for case in known],
        [case["actual"][name]["value"] for case in known],
    )


def _count(chances: Sequence[float], happened: Sequence[bool]) -> Json:
    return {"n": len(happened), "expected": sum(chances), "observed": sum(happened)}


def _binary(case: Json, share: float) -> float:
    return math.log(share if case["actual"]["reciprocated"]["value"] else 1 - share)


def _against(scores: Sequence[Json], references: Mapping[str, Sequence[float]]) -> Json:
    """Return the model's mean log score, its range over codings, and that of each reference."""
    model = np.array([s["log_score"] for s in scores])
    codings = [(s["log_score"], *s["also"]) for s in scores]
    return {
        "model": float(model.mean()),
        "worst_codings": float(np.mean([min(c) for c in codings])),
        "best_codings": float(np.mean([max(c) for c in codings])),
        **{name: _difference(model, np.array(r)) for name, r in references.items()},
    }


def _difference(model: np.ndarray, reference: np.ndarray) -> Json:
    gap = model - reference
    se = float(gap.std(ddof=1) / math.sqrt(len(gap))) if len(gap) > 1 else None
    return {"score": float(reference.mean()), "difference": float(gap.mean()), "se": se}


def load_cases(folder: str | os.PathLike[str]) -> tuple[dict[str, Study], dict[str, Outcome]]:
    """Read the studies and outcomes of a folder.

    Raises
    ------
    InputError, StudyError
        As `read_outcomes` and `load_study`.
    """
    from escalation.study import load_study

    outcomes = read_outcomes(Path(folder))
    return {name: load_study(Path(folder) / f"{name}.yaml") for name in outcomes}, outcomes


def cases(
    folder: str | os.PathLike[str] = "configs/cases",
    *,
    prior: bool = False,
    trajectories: int = 2_000,
    draws: int = 64,
    seed: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Json:
    """Predict the historical cases in a folder and say where the actual outcomes fell.

    Parameters
    ----------
    folder : str or path-like
        With ``outcomes.yaml`` and a study of one flashpoint and structure for each case in it.
    prior, trajectories, draws, seed, progress
        As in :func:`run_cases`, whose result is returned.

    Raises
    ------
    InputError, StudyError
        A file cannot be used, or a number is out of range.

    Examples
    --------
    >>> import escalation
    >>> found = escalation.cases("configs/cases", trajectories=200, draws=4)
    >>> found["summary"]["grave"]["n"]
    12
    """
    studies, outcomes = load_cases(folder)
    return run_cases(
        studies, outcomes, prior=prior, trajectories=trajectories, draws=draws, seed=seed,
        progress=progress,
    )  # fmt: skip
