"""The study that results keep, read again from its text."""

from __future__ import annotations

import json
from collections.abc import Sequence

import xarray as xr

from escalation.errors import ResultsError
from escalation.study.loader import study_from_text
from escalation.study.schema import Study


def kept_study(ds: xr.Dataset, flashpoint: str, structures: Sequence[str]) -> Study:
    """Return the study that results are of, which must have this flashpoint and these structures.

    Parameters that the run pinned, or that a premise changes, have the values of the results.

    Raises
    ------
    ResultsError
        The text is missing or cannot be read, or it is that of other results.
    """
    try:
        text = json.loads(ds.attrs.get("study_text", ""))
    except (ValueError, RecursionError):
        text = None
    if not isinstance(text, dict) or not all(isinstance(part, str) for part in text.values()):
        raise ResultsError("attribute study_text: the files of the study cannot be read")
    if not text:
        raise ResultsError("attribute study_text: the study was changed after it was read, so "
                           "that its histories cannot be told from its files")
    study = study_from_text(text)
    if flashpoint not in study.flashpoints or not set(structures) <= set(study.structures):
        raise ResultsError("attribute study_text: the study of other results")
    return study
