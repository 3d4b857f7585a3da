"""The study that results keep, read again from its text."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import xarray as xr

from escalation.errors import ResultsError
from escalation.parameters.registry import Parameter
from escalation.study.loader import study_from_text
from escalation.study.references import CHOSEN, is_file_name
from escalation.study.schema import Premise, Study


def kept_study(ds: xr.Dataset, flashpoint: str, structures: Sequence[str]) -> Study:
    """Return the study that results are of, which must have this flashpoint and these structures.

    Parameters that the run pinned, or that a premise changes, have the values of the results.

    Raises
    ------
    ResultsError
        The text is missing or cannot be read, or it is that of other results.
    """
    study = study_from_text(_kept_text(ds))
    if flashpoint not in study.flashpoints or not set(structures) <= set(study.structures):
        raise ResultsError("attribute study_text: the study of other results")
    return study


def kept_parameters(ds: xr.Dataset) -> dict[str, Parameter]:
    """Return the parameters of the study that results are of, with its own priors.

    Raises
    ------
    ResultsError
        The text of the study is missing or cannot be read.
    """
    return dict(study_from_text(_kept_text(ds)).parameters)


def premise_quantiles(
    ds: xr.Dataset, names: Sequence[str], levels: Sequence[float]
) -> dict[str, np.ndarray]:
    """Return quantiles of parameters under the study's own priors and every premise.

    Parameters
    ----------
    ds : Dataset
        Results.
    names : sequence of str
        Parameters that vary.
    levels : sequence of float
        Chances.

    Returns
    -------
    dict
        By premise an array, shape (name, level).

    Raises
    ------
    ResultsError
        The text of the study is missing or cannot be read.
    """
    study = study_from_text(_kept_text(ds))
    return {
        premise: np.array([
            study.under(premise).parameters[name].quantile(np.array(levels)) for name in names
        ])
        for premise in (study.premise, *study.premises)
    }  # fmt: skip


def kept_with_premise(ds: xr.Dataset, text: str) -> tuple[Study, Premise]:
    """Return the study that results are of, and a reader's premise as that study would read it.

    Parameters
    ----------
    ds : Dataset
        Results.
    text : str
        The file of the premise.

    Raises
    ------
    StudyError
        The premise cannot be, or speaks of nothing in the study.
    ResultsError
        The text of the study is missing, or it was built in Python.
    """
    kept = _kept_text(ds)
    scenario = kept.pop(CHOSEN, None)
    root = next(iter(kept))
    if not is_file_name(root):
        raise ResultsError("attribute study_text: the study was built in Python; name the premise "
                           "among its `premises` and run it")
    asks = f"name: reader\nextends: {root}\npremises: [{_PREMISE}]\n"
    study = study_from_text({_READER: asks, **kept, _PREMISE: text}, told=True)
    (premise,) = study.premises.values()
    return study if scenario is None else study.scenario(scenario), premise


_READER, _PREMISE = "readers-study.yaml", "readers-premise.yaml"


def _kept_text(ds: xr.Dataset) -> dict[str, str]:
    try:
        text = json.loads(ds.attrs.get("study_text", ""))
    except (ValueError, RecursionError):
        text = None
    if not isinstance(text, dict) or not all(isinstance(part, str) for part in text.values()):
        raise ResultsError("attribute study_text: the files of the study cannot be read")
    if not text:
        raise ResultsError("attribute study_text: the study was changed after it was read, so "
                           "that its histories cannot be told from its files")
    return text
