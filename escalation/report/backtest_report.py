"""Backtest as plain text: scores, differences, group rates."""

from __future__ import annotations

from typing import Any

from escalation.report.text import counted, line_of, paragraph, safe, short_number

_NAME, _CELL = 20, 16
_COLUMNS = {
    "model": "model",
    "base_rate": "base rate",
    "logit": "logit",
    "logit_history": "logit + history",
}
_SCORES = {
    "log_score": "Log score (larger is better)",
    "brier": "Brier score (smaller is better)",
    "rps": "Ranked probability score (smaller is better)",
}
_EVENTS = {
    "use_or_war": "use or war",
    "war": "war",
    "reciprocation": "reciprocated",
    "joining": "joined",
}


def format_backtest(result: dict[str, Any]) -> str:
    """Text of what `escalation.history.backtest.run_backtest` returned."""
    lines = [*_header(result), *_scores(result), ""]
    lines += _differences(result["difference"], _sample(result, "disputes"))
    fit = result["in_fit"] or {}
    if fit.get("outside"):
        scored = max(fit["outside"]["n_scored"].values())
        what = f"The same for the {counted(scored, 'dispute')} that the fit did not use"
        lines += ["", *_differences(fit["outside"]["difference"], title=what)]
    lines += ["", *_groups(result["groups"])]
    if "crises" in result:
        lines += ["", *_crises(result["crises"], _sample(result, "crises"))]
    return "\n".join(lines)


def format_refit(result: dict[str, Any]) -> str:
    """Text of what `escalation.history.validation.validate` returned."""
    source = result["provenance"]
    words = (
        f"{counted(result['n']['disputes'], 'dispute')}. Model and baselines are fitted anew in "
        f"{source['n_folds']} folds that keep a pair of states together: all out of fold. "
        f"{counted(result['n_fitted'], 'parameter')} fitted, each fold to its mode."
    )
    told = [line for note in source.get("notes", ()) for line in paragraph(safe(note), 100)]
    lines = [*paragraph(words, 100), *told, *_scores(result), ""]
    return "\n".join(lines + _differences(result["difference"], ""))


def _scores(result: dict[str, Any]) -> list[str]:
    lines = []
    for score, title in _SCORES.items():
        lines += ["", title, line_of("", list(_COLUMNS.values()), _NAME, _CELL)]
        for target, row in result[score].items():
            cells = [_decimal(row[name]) for name in _COLUMNS]
            lines.append(line_of(target.replace("_", " "), cells, _NAME, _CELL))
    return lines


def _header(result: dict[str, Any]) -> list[str]:
    n, source = result["n"], result["provenance"]
    what = [counted(n["disputes"], "dispute")]
    if n["history"]:
        what.append(f"history of {counted(n['history'], 'dispute')}")
    fitted = (source["model"] or {}).get("fitted_on")
    parts = [
        f"{', '.join(what)}. Parameters: {source['parameters']}"
        + (f", fitted on {safe(fitted)}." if fitted else "."),
        _fit_words(result),
        f"Baselines trained on {source['baselines']['trained_on']}.",
    ]
    lines = paragraph(" ".join(part for part in parts if part), 100)
    for note in source.get("notes", ()):
        lines += paragraph(safe(note), 100)
    return lines + _other_contiguity((result["in_fit"] or {}).get("other_contiguity", []))


def _fit_words(result: dict[str, Any]) -> str:
    """How many scored disputes were in the fit; nothing for priors, which were fitted to none."""
    fit, n = result["in_fit"], result["n"]["disputes"]
    if result["provenance"]["parameters"] == "prior":
        return ""
    if fit is None:
        return "The posterior does not say which disputes it was fitted to."
    if not fit["disputes"]:
        return "None of the disputes was in that fit."
    return f"{fit['disputes']:,} of the {counted(n, 'dispute')} were in that fit."


def _sample(result: dict[str, Any], what: str) -> str:
    """Whether model and baselines knew the rows that they are scored on, in parentheses."""
    fit, total = result["in_fit"], result["n"][what]
    baselines = "out of fold"
    if what == "disputes" and "fold" not in result["provenance"]["baselines"]["trained_on"]:
        baselines = "out of sample"
    if fit is None:
        return f"(model perhaps in sample, baselines {baselines})"
    if not fit[what]:
        return ""
    part = "" if fit[what] == total else f" for {fit[what]:,} of {total:,}"
    return f"(model in sample{part}, baselines {baselines})"


def _other_contiguity(rows: list[dict[str, Any]]) -> list[str]:
    if not rows:
        return []
    told = ", ".join(
        f"{row['dispnum']} ({safe(row['dyad'])} in {row['year']}: {row['here']} for "
        f"{row['in_fit']})" for row in rows
    )  # fmt: skip
    return paragraph(
        f"Contiguity differs from that in the fit for {counted(len(rows), 'dispute')}: {told}.", 100
    )


def _decimal(value: float | None, sign: str = "") -> str:
    return "-" if value is None else f"{value:{sign}.4f}"


def _differences(
    difference: dict[str, Any],
    sample: str = "",
    title: str = "Log score, model minus baseline ± standard error, clustered by pair of states",
) -> list[str]:
    names = [name for name in _COLUMNS if name != "model"]
    lines = [title] + ([sample] if sample else [])
    lines.append(line_of("", ["", *(_COLUMNS[name] for name in names)], _NAME, _CELL))
    for target, row in difference.items():
        cells = [_difference(row.get(name)) for name in names]
        lines.append(line_of(target.replace("_", " "), ["", *cells], _NAME, _CELL))
    return lines


def _difference(cell: dict[str, float | None] | None) -> str:
    if cell is None:
        return "-"
    error = cell["se_clustered"]
    return _decimal(cell["mean"], "+") + ("" if error is None else f" ±{error:.4f}")


def _groups(groups: dict[str, Any]) -> list[str]:
    lines = [
        f"Rates in per cent: observed [90 % predictive interval: {groups['interval']}], "
        "* if outside",
        line_of("", list(_EVENTS.values()), _NAME, 19),
    ]
    for group, cells in groups["rates"].items():
        n = next(iter(cells.values()))["n"]
        row = [_rate(cells[event]) for event in _EVENTS]
        lines.append(line_of(f"{group} ({n})", row, _NAME, 19))
    lines.append(f"Covered: {100 * groups['share_covered']:.0f} %")
    return lines


def _rate(cell: dict[str, Any]) -> str:
    observed, low, high = (short_number(100 * cell[name]) for name in ("observed", "low", "high"))
    return f"{observed} [{low}–{high}]" + (" " if cell["covered"] else "*")


def _crises(crises: dict[str, Any], sample: str) -> list[str]:
    war = crises["war"]
    return [
        f"Crises: violence category {sample}".rstrip(),
        line_of("", ["model", "base rate", "difference"], _NAME, _CELL),
        line_of(
            "log score",
            [
                _decimal(crises["log_score"]["model"]),
                _decimal(crises["log_score"]["base_rate"]),
                _difference(crises["difference"]["base_rate"]),
            ],
            _NAME,
            _CELL,
        ),
        f"full-scale war: {100 * war['observed']:.1f} % observed, "
        f"{100 * war['predicted']:.1f} % predicted",
    ]
