"""Where the parameters of a run came from, in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from escalation.report.text import safe

_DIGITS = 12
"""Digits of a checksum that tell files apart."""


def source_words(attrs: Mapping[str, Any], total: int) -> str:
    """Say where `total` parameters came from, in a sentence.

    Parameters
    ----------
    attrs : mapping
        Attributes of the results, or the part of them that says so; results without any used
        priors. Lists may come as such or as JSON.
    total : int
        Parameters in all.
    """
    overridden = _list(attrs.get("posterior_overridden", "[]"))
    said = f"; overridden by the study: {', '.join(map(safe, overridden))}" if overridden else ""
    if attrs.get("parameter_source", "prior") != "posterior":
        return f"Parameters: all {total} from priors{said}"
    covered = len(_list(attrs["posterior_names"]))
    file = str(attrs["posterior_sha256"])[:_DIGITS]
    return (
        f"Parameters: {safe(attrs['posterior_title'])}"
        f"{f' (file {safe(file)}…)' if file else ''}, {covered} of {total}; "
        f"the rest from priors{said}"
    )


def _list(value: Any) -> list[str]:
    return [str(name) for name in (json.loads(value or "[]") if isinstance(value, str) else value)]
