"""Everything that ``escalation compare`` says of results: four tables, made together."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import xarray as xr

from escalation.analysis.comparison import compare
from escalation.analysis.drivers import drivers_of, find_gaps, thresholds_of
from escalation.analysis.selection import choose
from escalation.analysis.trade_offs import trade_offs


class Findings(NamedTuple):
    """Results, compared.

    Attributes
    ----------
    comparison, trade_offs, drivers, thresholds : Dataset
        See the functions of these names; drivers and thresholds are those of one structure
        under the headline decision rule.
    """

    comparison: xr.Dataset
    trade_offs: xr.Dataset
    drivers: xr.Dataset
    thresholds: xr.Dataset


def find(
    ds: xr.Dataset,
    on: str | Sequence[str] | None = None,
    *,
    reference: str | None = None,
    structure: str | None = None,
    loss: Mapping[str, float] | None = None,
    flashpoints: str | Sequence[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Findings:
    """Compare, and say what drives and what flips the difference of one structure.

    Parameters
    ----------
    ds : Dataset
        Results.
    on, reference, structure, loss, flashpoints
        See :func:`escalation.analysis.selection.choose`.
    progress : callable, optional
        Called with (differences done, differences in all) while their drivers are found.

    Raises
    ------
    InputError
        Unknown name.
    ResultsError
        No reference, one structure only, or counts are missing.

    Examples
    --------
    >>> found = find(ds, "war", structure="quad")
    >>> found.comparison.sizes["structure"], found.drivers.attrs["structure"]
    (8, 'quad')
    """
    chosen = choose(
        ds, on, reference=reference, structure=structure, loss=loss, flashpoints=flashpoints
    )
    gaps = find_gaps(ds, chosen)
    return Findings(
        compare(
            ds, on, reference=reference, loss=chosen.loss, flashpoints=chosen.flashpoints
        ),
        trade_offs(ds.assign_attrs(reference=chosen.reference), flashpoints=chosen.flashpoints),
        drivers_of(ds, chosen, gaps, progress=progress),
        thresholds_of(chosen, gaps),
    )


_PROVENANCE = ("study_name", "study_sha256", "seed", "trajectories", "horizon_years",
               "table_checksum", "parameter_source", "design")  # fmt: skip


def as_json(found: Findings, ds: xr.Dataset) -> dict[str, Any]:
    """Return findings as plain data.

    Parameters
    ----------
    found : Findings
    ds : Dataset
        The results that they are of, for the provenance.

    Returns
    -------
    dict
        ``provenance``; ``comparison``, ``trade_offs`` and ``drivers``, where every variable is
        nested by the labels of its dimensions in their order; ``thresholds``, a list. Shares are
        fractions, differences are structure minus reference, what is not known is null.
    """
    c = found.comparison
    return {
        "provenance": {
            **{name: ds.attrs[name] for name in _PROVENANCE if name in ds.attrs},
            "draws": ds.sizes["draw"],
            "reference": c.attrs["reference"],
            "structure": found.drivers.attrs["structure"],
            "loss": json.loads(c.attrs["loss"]) or None,
        },
        **{
            name: {str(key): nested(array) for key, array in table.items()}
            for name, table in found._asdict().items() if name != "thresholds"
        },
        "thresholds": [
            {str(key): nested(array[k]) for key, array in found.thresholds.items()}
            for k in range(found.thresholds.sizes["threshold"])
        ],
    }  # fmt: skip


def nested(array: xr.DataArray) -> Any:
    """Return an array as dictionaries by the labels of its dimensions; null for NaN.

    >>> nested(xr.DataArray([0.5, math.nan], {"structure": ["quad", "aukus"]}, "structure"))
    {'quad': 0.5, 'aukus': None}
    """
    if array.ndim:
        keys = array[array.dims[0]].values.tolist()
        return {str(key): nested(part) for key, part in zip(keys, array, strict=True)}
    value = array.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
