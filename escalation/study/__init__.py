"""The user's words: study files, their schema and their loader. Imports `parameters`."""

from __future__ import annotations

from escalation.study.loader import load_study, parse_study, study_from_text
from escalation.study.schema import Study

__all__ = ["Study", "load_study", "parse_study", "study_from_text"]
