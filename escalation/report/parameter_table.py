"""The parameters of the model, as a table and as text."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from escalation.errors import InputError
from escalation.parameters.posterior import Posterior, coverage, shipped_posterior
from escalation.parameters.registry import MARKS, REGISTRY, Parameter
from escalation.report.glossary import explained
from escalation.report.text import WIDTH, paragraph
from escalation.study.loader import load_study
from escalation.study.names import shown, suggestion
from escalation.study.schema import DEFAULT_STAKE_UNIT, Study

_LEVELS = {"5": 0.05, "50": 0.5, "95": 0.95}
_FIELDS = (
    "symbol", "meaning", "unit", "default", "prior", "low", "high", "mark", "source", "claim",
    "rule",
)  # fmt: skip


def parameters(
    study: Study | str | os.PathLike[str] | None = None,
    *,
    search: str | None = None,
    mark: str | None = None,
) -> pd.DataFrame:
    """Return every parameter: unit, default, prior, posterior, mark and source.

    Parameters
    ----------
    study : Study, str or path-like, optional
        Study, or its file, whose parameters are listed, its own among them; by default those of
        the model.
    search : str, optional
        Only those whose name, meaning, claim or source holds this text, in capitals or not.
    mark : {"read", "computed", "judgement"}, optional
        Only those with this mark.

    Returns
    -------
    DataFrame
        A row for each parameter, by name. ``prior`` is in words; ``prior_5``, ``prior_50`` and
        ``prior_95`` are its quantiles in percent, within the bounds ``low`` and ``high``;
        ``posterior_5`` and so on those of the posterior that comes with the package, NaN where
        it does not speak for the parameter. The attribute ``stake_unit`` says what 1 V is.

    Raises
    ------
    InputError
        The study file cannot be used, there is no such mark, or no parameter is left.

    Examples
    --------
    >>> import escalation
    >>> table = escalation.parameters("configs/asian_nato.yaml")
    >>> table.loc["grave_share", ["unit", "prior", "mark"]].to_list()
    ['1', 'Beta(5, 22)', 'judgement']
    """
    registry: Mapping[str, Parameter] = REGISTRY
    unit = DEFAULT_STAKE_UNIT
    if study is not None:
        words = study if isinstance(study, Study) else load_study(study)
        registry, unit = words.parameters, words.stake_unit
    found = _chosen(parameter_frame(registry, shipped_posterior()), search, mark)
    found.attrs["stake_unit"] = unit
    return found


def parameter_frame(registry: Mapping[str, Parameter], posterior: Posterior | None) -> pd.DataFrame:
    """Return what :func:`parameters` returns, of any registry and posterior."""
    covered = set(coverage(registry, posterior).covered)
    rows = {}
    for name, entry in registry.items():
        row: dict[str, Any] = {field: getattr(entry, field) for field in _FIELDS}
        row["prior"] = entry.prior.describe()
        known = {"prior": entry.quantile(np.array(list(_LEVELS.values())))}
        if posterior is not None and name in covered:
            values = np.clip(posterior[name], entry.low, entry.high)
            known["posterior"] = np.quantile(values, list(_LEVELS.values()))
        for what in ("prior", "posterior"):
            quantiles = known.get(what, np.full(len(_LEVELS), np.nan))
            row |= {f"{what}_{k}": q for k, q in zip(_LEVELS, quantiles.tolist(), strict=True)}
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("parameter")


def _chosen(table: pd.DataFrame, search: str | None, mark: str | None) -> pd.DataFrame:
    """Return the rows with a mark, and with a text in name, meaning, claim or source."""
    if mark is not None and mark not in MARKS:
        raise InputError(f"mark: unknown mark {shown(mark)} {suggestion(mark, MARKS)}")
    found = table if mark is None else table[table["mark"] == mark]
    if search is not None:
        words = found.reset_index()[["parameter", "meaning", "claim", "source"]]
        hit = words.agg(" ".join, axis=1).str.contains(search, case=False, regex=False)
        found = found[hit.to_numpy()]
    if found.empty:
        raise InputError(f"search: no parameter holds {shown(search or mark)}")
    return found


def format_parameters(table: pd.DataFrame, width: int = WIDTH) -> str:
    """Return the table of :func:`parameters` as text, a few lines each, none above `width`."""
    lines = []
    for p in table.itertuples():
        lines += paragraph(f"{p.Index}  ({p.symbol})" if p.symbol != p.Index else p.Index, width)
        facts = (
            f"{p.default:.4g} {p.unit}; prior {p.prior}; bounds {p.low:g} to "
            f"{p.high:g}; {p.mark}. {p.meaning}. Source: {p.source}. Serves: {p.claim}."
        )
        lines += paragraph(facts, width, "    ")
        if np.isfinite(p.posterior_50):
            before, after = (
                f"{getattr(p, f'{what}_50'):.3g} [{getattr(p, f'{what}_5'):.3g}–"
                f"{getattr(p, f'{what}_95'):.3g}]"
                for what in ("prior", "posterior")
            )
            lines += paragraph(
                f"median [5–95 %]: prior {before}, posterior {after}", width, "    "
            )
    total = ", ".join(f"{(table.mark == mark).sum()} {mark}" for mark in MARKS)
    unit = stake_unit_words(table.attrs.get("stake_unit", DEFAULT_STAKE_UNIT))
    return explained(
        [*lines, "", f"{len(table)} parameters: {total}", *paragraph(unit, width)], width
    )


def stake_unit_words(unit: str) -> str:
    """Say what the unit of stakes and costs is."""
    return f"Stakes and costs are in V: 1 = {unit}"


def markdown_parameters(registry: Mapping[str, Parameter]) -> str:
    """Return the registry as the Markdown table of the model document."""
    rows = [
        "| name | symbol | meaning | unit | default | prior | mark | source |",
        "|---|---|---|---|---|---|---|---|",
    ]
    rows += [
        f"| `{p.name}` | {p.symbol} | {p.meaning} | {p.unit} | {p.default:.4g} "
        f"| {p.prior.describe()} | {p.mark} | {p.source} |"
        for p in registry.values()
    ]
    return "\n".join(rows)
