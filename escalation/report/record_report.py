"""The model and the record, as plain text: backtest, and calibration with its checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from escalation.parameters.registry import REGISTRY
from escalation.report.glossary import explained
from escalation.report.text import WIDTH, counted, paragraph, safe, short_number, table
from escalation.statistics.intervals import Z95

if TYPE_CHECKING:
    from escalation.history.calibrate import FittedPosterior
    from escalation.history.predictive_checks import Facts
    from escalation.history.surveys import Held

MOVED = 0.5
"""A parameter has moved if its mean lies this far from the prior's centre, or its spread has
shrunk to below this share of one standard deviation less."""
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


def format_backtest(result: dict[str, Any], width: int = WIDTH) -> str:
    """Text of what `escalation.history.backtest.run_backtest` returned."""
    lines = [*_header(result, width), *_scores(result, width), ""]
    lines += _gaps(result["difference"], width, sample=_sample(result, "disputes"))
    fit = result["in_fit"] or {}
    if fit.get("outside"):
        scored = max(fit["outside"]["n_scored"].values())
        what = f"The same for the {counted(scored, 'dispute')} that the fit did not use"
        lines += ["", *_gaps(fit["outside"]["difference"], width, what)]
    lines += ["", *_groups(result["groups"], width)]
    if "crises" in result:
        lines += ["", *_crises(result["crises"], _sample(result, "crises"), width)]
    return explained(lines, width)


def format_refit(result: dict[str, Any], width: int = WIDTH) -> str:
    """Text of what `escalation.history.validation.validate` returned."""
    source = result["provenance"]
    words = (
        f"{counted(result['n']['disputes'], 'dispute')}. Model and baselines are fitted anew in "
        f"{source['n_folds']} folds that keep a pair of states together: all out of fold. "
        f"{counted(result['n_fitted'], 'parameter')} fitted, each fold to its mode."
    )
    lines = [line for text in (words, *source.get("notes", ())) for line in
             paragraph(safe(text), width)]  # fmt: skip
    lines += [*_scores(result, width), "", *_gaps(result["difference"], width)]
    return explained(lines, width)


def _scores(result: dict[str, Any], width: int) -> list[str]:
    lines = []
    for score, title in _SCORES.items():
        rows = [
            (_plain(target), [_decimal(row[name]) for name in _COLUMNS])
            for target, row in result[score].items()
        ]
        lines += ["", title, *table(list(_COLUMNS.values()), rows, width)]
    return lines


def _header(result: dict[str, Any], width: int) -> list[str]:
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
    texts = [" ".join(part for part in parts if part), *map(safe, source.get("notes", ()))]
    texts += _other_contiguity((result["in_fit"] or {}).get("other_contiguity", []))
    return [line for text in texts for line in paragraph(text, width)]


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
    return [
        f"Contiguity differs from that in the fit for {counted(len(rows), 'dispute')}: {told}."
    ]


def _decimal(value: float | None, sign: str = "") -> str:
    return "-" if value is None else f"{value:{sign}.4f}"


def _plain(name: str) -> str:
    return safe(name).replace("_", " ")


def _gaps(
    found: dict[str, Any],
    width: int,
    title: str = "Log score, model minus baseline [95 % interval, clustered by pair of states]",
    sample: str = "",
) -> list[str]:
    names = [name for name in _COLUMNS if name != "model"]
    rows = [
        (_plain(target), [_gap(row.get(name)) for name in names]) for target, row in found.items()
    ]
    head = paragraph(f"{title} {sample}".rstrip(), width)
    return head + table([_COLUMNS[name] for name in names], rows, width)


def _gap(cell: dict[str, float | None] | None) -> str:
    if cell is None or cell["mean"] is None:
        return "-"
    mean, error = cell["mean"], cell["se_clustered"]
    if error is None:
        return f"{mean:+.4f}"
    return f"{mean:+.4f}\n[{mean - Z95 * error:+.4f}–{mean + Z95 * error:+.4f}]"


def _groups(groups: dict[str, Any], width: int) -> list[str]:
    title = (
        f"Rates in per cent: observed [90 % predictive interval: {groups['interval']}], "
        "* if outside"
    )
    rows = [
        (f"{safe(group)} ({next(iter(cells.values()))['n']})", [_rate(cells[e]) for e in _EVENTS])
        for group, cells in groups["rates"].items()
    ]
    lines = [*paragraph(title, width), *table(list(_EVENTS.values()), rows, width)]
    return [*lines, f"Covered: {100 * groups['share_covered']:.0f} %"]


def _rate(cell: dict[str, Any]) -> str:
    observed, low, high = (short_number(100 * cell[name]) for name in ("observed", "low", "high"))
    return f"{observed}\n[{low}–{high}]{' ' if cell['covered'] else '*'}"


def _crises(crises: dict[str, Any], sample: str, width: int) -> list[str]:
    war, scores = crises["war"], crises["log_score"]
    cells = [_decimal(scores["model"]), _decimal(scores["base_rate"])]
    cells.append(_gap(crises["difference"]["base_rate"]))
    return [
        *paragraph(f"Crises: violence category {sample}".rstrip(), width),
        *table(["model", "base rate", "model minus\nbase rate"], [("log score", cells)], width),
        f"full-scale war: {100 * war['observed']:.1f} % observed, "
        f"{100 * war['predicted']:.1f} % predicted",
    ]


def format_calibration(found: FittedPosterior, width: int = WIDTH) -> str:
    """Text of a calibration: prior and posterior of every parameter that the data moved."""
    z = found.sample.z.reshape(-1, found.sample.z.shape[2])
    mean, sd = z.mean(axis=0), z.std(axis=0)
    order = np.argsort(-np.maximum(np.abs(mean), 2.0 * (1.0 - sd)))
    informed = [k for k in order if abs(mean[k]) > MOVED or sd[k] < 1.0 - MOVED / 2]
    head = (
        f"Fitted {counted(len(mean), 'parameter')}; the data speak of {len(informed)}, the others "
        "keep about their priors. Of the posterior: median [5–95 %] of its draws."
    )
    rows = []
    for k in informed:
        name = found.posterior.names[k]
        cells = [short_number(float(REGISTRY[name].default)), _spread(found.posterior.values[k])]
        rows.append((name, [*cells, f"{mean[k]:+.1f}", f"{sd[k]:.2f}"]))
    chains = (
        f"Chains: R-hat at most {found.sample.r_hat.max():.3f} (wanted {found.max_r_hat}), bulk "
        f"effective sample size at least {found.sample.ess.min():.0f} "
        f"(wanted {found.min_ess:.0f}), {found.sample.accepted:.0%} of steps accepted."
    )
    lines = [*paragraph(head, width), ""]
    lines += table(["prior", "posterior", "shift", "spread"], rows, width)
    return explained([*lines, "", *paragraph(chains, width)], width)


def _spread(values: np.ndarray) -> str:
    low, middle, high = (float(v) for v in np.quantile(values, (0.05, 0.5, 0.95)))
    return f"{short_number(middle)}\n[{short_number(low)}–{short_number(high)}]"


def format_checks(checks: Facts, width: int = WIDTH) -> str:
    """Text of posterior predictive checks."""
    rows = [
        (check.name, [
            short_number(check.value),
            f"{short_number(check.middle)}\n[{short_number(check.low)}–{short_number(check.high)}]",
            "inside" if check.inside else "OUTSIDE",
        ])
        for check in checks.facts
    ]  # fmt: skip
    covered = f"90 % intervals of group rates cover {checks.share_covered:.0%} of the groups."
    title = "Fact: observed, and what the model says, median [5–95 %]"
    lines = [title, *table(["observed", "model", ""], rows, width)]
    return "\n" + explained([*lines, *paragraph(covered, width)], width)


def format_surveys(held: Held, width: int = WIDTH) -> str:
    """Text of what surveys and forecasts did to a posterior."""
    rows = []
    for survey in held.surveys:
        answer = held.answers[survey.name]
        numbers = (survey.value, float(answer.mean()), float((answer * held.weights).sum()))
        rows.append((_plain(survey.name), [short_number(v) for v in numbers]))
    lines = ["Survey or forecast: what it says, what the draws say, and the weighted draws"]
    lines += table(["says", "model", "weighted"], rows, width)
    share = f"Effective share of draws after weighting: {held.effective_share:.0%}."
    return "\n" + explained([*lines, share], width)
