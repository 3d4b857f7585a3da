"""Two runs at the same random numbers: a study and a scenario of it, structure by structure.

Draw j of both has the same points of the design, so that every parameter that the scenario leaves
alone has the same value in both, and the same random numbers. A difference is thus measured as
that of two structures is (:mod:`escalation.analysis.comparison`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import xarray as xr

from escalation.analysis.comparison import compare
from escalation.analysis.selection import labels
from escalation.errors import InputError
from escalation.results.under_rule import rules_of, under_rule
from escalation.results.variables import COMPANION_COUNTS

BEFORE, AFTER = "before", "after"
SAID = (
    "difference", "difference_monte_carlo_se", "difference_low", "difference_high", "p_safer",
    "verdict", "says", "reason",
)  # fmt: skip
"""Variables of a comparison that are told of the two runs."""
_ALIKE = ("seed", "trajectories", "horizon_years", "design", "reference")


def changes(
    before: xr.Dataset,
    after: xr.Dataset,
    on: str | Sequence[str] | None = None,
    *,
    flashpoints: str | Sequence[str] | None = None,
) -> xr.Dataset:
    """Compare the results of a scenario with those of its study.

    Parameters
    ----------
    before, after : Dataset
        Results of the study, and of the scenario.
    on, flashpoints
        What to compare, see :func:`escalation.compare`.

    Returns
    -------
    Dataset
        By ``flashpoint``, ``risk`` and ``structure``, under the headline rule: ``difference``
        (after minus before) with its Monte Carlo error and range over draws, ``p_safer`` (share of
        draws with less of the risk after), ``verdict``, ``says``, ``reason``; and ``mean_before``,
        ``mean_after``, ``p_safer_before``, ``p_safer_after``: the levels, and the share of draws
        in which the structure has less of the risk than the reference, in either run. Only what
        both runs have. The attribute ``unchanged`` says whether all counts are equal.

    Raises
    ------
    InputError
        The runs do not match draw by draw, or have nothing in common.

    Examples
    --------
    >>> found = changes(ds, ds, "war")
    >>> set(found["verdict"].values.ravel().tolist())
    {'identical'}
    """
    _refuse_unlike(before, after)
    rule = rules_of(after)[0]
    pair = [_common(each, other, rule) for each, other in ((before, after), (after, before))]
    structures = labels(pair[0], "structure")
    found = [
        compare(_joined(pair, name), on, reference=BEFORE, loss={}, flashpoints=flashpoints)
        .isel(decision_rule=0, drop=True).sel(structure=AFTER, drop=True)[[*SAID, "mean"]]
        for name in structures
    ]
    whole = xr.concat(found, xr.DataArray(structures, dims="structure", name="structure"))
    levels = [
        compare(each, on, loss={}, flashpoints=flashpoints).isel(decision_rule=0, drop=True)
        for each in pair
    ]
    return whole.drop_vars("mean").assign(
        mean_before=levels[0]["mean"], mean_after=levels[1]["mean"],
        p_safer_before=levels[0]["p_safer"], p_safer_after=levels[1]["p_safer"],
    ).assign_attrs(
        reference=before.attrs["reference"], rule=rule, draws=before.sizes["draw"],
        before=_title(before), after=_title(after),
        unchanged=all(pair[0][name].equals(pair[1][name]) for name in COMPANION_COUNTS),
    )  # fmt: skip


def _title(ds: xr.Dataset) -> str:
    return str(ds.attrs.get("study_title") or ds.attrs.get("study_name") or "")


def _refuse_unlike(before: xr.Dataset, after: xr.Dataset) -> None:
    """Refuse two runs whose draws have not the same random numbers."""
    for name in _ALIKE:
        first, second = before.attrs.get(name), after.attrs.get(name)
        if first != second:
            raise InputError(f"compare: the two results differ in {name.replace('_', ' ')}, "
                             f"{first} and {second}, so their draws do not match")
    if before.sizes["draw"] != after.sizes["draw"]:
        raise InputError(f"compare: the two results have {before.sizes['draw']} and "
                         f"{after.sizes['draw']} draws, which do not match")
    for ds in (before, after):
        if "replicate_count" not in ds:
            raise InputError("compare: results of format 2 and older do not tell how far two runs "
                             "differ by chance; run the study again")
    refuse_other_points(_points(before), _points(after), _redrawn(before) ^ _redrawn(after))


def _points(ds: xr.Dataset) -> dict[str, np.ndarray]:
    values = ds["parameter_value"].transpose("parameter", "draw").values
    return dict(zip(labels(ds, "parameter"), values, strict=True))


def _redrawn(ds: xr.Dataset) -> set[str]:
    """Return parameters that do not come from points of their own: fitted, or correlated."""
    stated = json.loads(ds.attrs.get("correlations") or "[]")
    return redrawn(
        json.loads(ds.attrs.get("posterior_names") or "[]"), [one["between"] for one in stated]
    )


def redrawn(fitted: Iterable[str], correlated: Iterable[Iterable[str]]) -> set[str]:
    """Return parameters whose draws are not points of their own through their prior alone."""
    return {*fitted, *(name for pair in correlated for name in pair)}


def refuse_other_points(
    before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray], excused: set[str]
) -> None:
    """Refuse two runs that do not share draws.

    The same points through two priors have the same order, whatever the priors. So every parameter
    that varies in both runs must rank the draws alike.

    Parameters
    ----------
    before, after : mapping of str to array (draw,)
        Values by parameter.
    excused : set of str
        Parameters that may differ all the same: fitted or correlated in one of the two alone.

    Raises
    ------
    InputError
        They do not share draws.
    """
    shared = [name for name in before if name in after and name not in excused]
    varying = [n for n in shared if np.ptp(before[n]) > 0 and np.ptp(after[n]) > 0]
    other = next((n for n in varying if not _ranked_alike(before[n], after[n])), None)
    alone = next(iter(before.values())).size == 1
    if alone and not any(before[name] == after[name] for name in shared):
        other = next(iter(shared), "")
    if other is not None or not (varying or alone):
        raise InputError(
            f"compare: the two results draw {other or 'no parameter'} at other points, so their "
            "draws do not match (a study and its scenario do with the design nested_hypercube)"
        )


def _ranked_alike(first: np.ndarray, second: np.ndarray) -> bool:
    order = np.lexsort((second, first))
    return bool((np.diff(second[order]) >= 0).all())


def _common(ds: xr.Dataset, other: xr.Dataset, rule: str) -> xr.Dataset:
    """Return counts of what both runs have, under one rule."""
    shared = {}
    for dim in ("flashpoint", "structure"):
        shared[dim] = [name for name in labels(ds, dim) if name in labels(other, dim)]
        if not shared[dim]:
            raise InputError(f"compare: the two results have no {dim} in common")
    if ds.attrs["reference"] not in shared["structure"]:
        raise InputError("compare: the two results do not share the reference")
    counts = under_rule(ds, rule)[[*COMPANION_COUNTS]].sel(shared).reset_coords(drop=True)
    return counts.assign_attrs(ds.attrs | {"decision_rule": rule})


def _joined(pair: Sequence[xr.Dataset], structure: str) -> xr.Dataset:
    """Return one structure of both runs as two structures of one."""
    parts = [ds.sel(structure=[structure]) for ds in pair]
    named = [ds.assign_coords(structure=[name])
             for ds, name in zip(parts, (BEFORE, AFTER), strict=True)]
    whole = xr.concat(named, "structure", join="exact", combine_attrs="override")
    return whole.assign_attrs(reference=BEFORE, focus="[]").transpose(*pair[0].dims)
