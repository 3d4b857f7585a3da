"""The historical cases as one page of plain text."""

from __future__ import annotations

from typing import Any

from escalation.report.glossary import explained
from escalation.report.text import WIDTH, paragraph, safe, short_number, table

Json = dict[str, Any]

LEVELS = ("threat", "display", "use", "war")

_LEVEL_HEADINGS = (
    "threat\n%", "display\n%", "use\n%", "war %\n[5–95 %]", "went\nto", "P of\nthat",
    "perc-\nentile", "in\n90 %", "if\nroutine",
)  # fmt: skip
_OTHER_HEADINGS = (
    "ended by", "P of\nthat", "answered?\nP yes", "supported?\nP yes", "days\n(mean)",
    "perc-\nentile", "in\n90 %",
)  # fmt: skip
_ENDS = {
    "challenger_withdraws": "withdrawal",
    "settlement": "settlement",
    "defender_concedes": "concession",
    "challenger_wins": "lost war",
    "coalition_wins": "won war",
    "general_exchange": "exchange",
}


def format_cases(result: Json, width: int = WIDTH) -> str:
    """Return the page: two tables, the scores, and what they do not show.

    Parameters
    ----------
    result : dict
        From `escalation.history.cases.run_cases`.
    width : int
        Columns.
    """
    texts = (_source(result), _READING, f"{_sample(result)} {_LIMITS}")
    lines = [line for text in texts for line in paragraph(text, width)]
    for headings, cells in ((_LEVEL_HEADINGS, _level_cells), (_OTHER_HEADINGS, _other_cells)):
        rows = [(safe(case["title"]), cells(case)) for case in result["cases"].values()]
        lines += ["", *table(headings, rows, width)]
    return explained([*lines, "", *_scores(result, width)], width)


_READING = (
    "Given a grave crisis; means over draws. If routine: P of the same level in a routine dispute. "
    "In 90 %: within the central interval of the predictions. Answered, supported by the great "
    "power: what happened, and the predicted chance of yes. The log score has in brackets the "
    "worst and the best of the arguable codings, and ± one standard error over cases."
)
_LIMITS = (
    "They are here because they became crises, so they say "
    "nothing about how often a dispute becomes one; and a dozen cases without a war cannot "
    "validate a probability of war."
)


def _source(result: Json) -> str:
    plan = result["plan"]
    return (
        f"{len(result['cases'])} historical cases, {plan['draws']:,} draws from the "
        f"{result['parameter_source']} x {plan['trajectories']:,} histories"
    )


def _sample(result: Json) -> str:
    """Say which cases the parameters were fitted to."""
    names, cases = result["used_for_fitting"], result["cases"]
    if not names:
        return "No case was used for fitting: out of sample."
    titles = ", ".join(safe(cases[name]["title"]) for name in names)
    return (
        f"The dispute or crisis that {len(names)} of the {len(cases)} cases are was among the rows "
        f"that the posterior was fitted to, and these are in sample: {titles}. The others are not."
    )


def _percent(p: float) -> str:
    return short_number(100 * p)


def _level_cells(case: Json) -> list[str]:
    grave, score = case["grave"]["predicted"], case["grave"]["score"]["mid_level"]
    war = grave["war"]
    return [
        *(_percent(p) for p in grave["mid_level"]["mean"][:-1]),
        f"{_percent(grave['mid_level']['mean'][-1])}\n"
        f"[{_percent(war['low'])}–{_percent(war['high'])}]",
        LEVELS[case["actual"]["mid_level"] - 2],
        _percent(score["p"]),
        f"{score['percentile']:.2f}",
        _yes(score["in_90"]),
        _percent(case["routine"]["score"]["mid_level"]["p"]),
    ]


def _other_cells(case: Json) -> list[str]:
    actual, grave, score = case["actual"], case["grave"]["predicted"], case["grave"]["score"]
    days = f"{actual['duration_days']['value']}\n({grave['mean_days']['mean']:.0f})"
    return [
        _ENDS[actual["end_state"]["value"]],
        _percent(score["end_state"]["p"]),
        _flag(case, "reciprocated"),
        _flag(case, "great_power_supported"),
        days,
        f"{score['duration']['percentile']:.2f}",
        _yes(score["duration"]["in_90"]),
    ]


def _flag(case: Json, name: str) -> str:
    fact, chance = case["actual"][name], case["grave"]["predicted"][name]
    if fact is None or chance is None:
        return "-"
    return f"{_yes(fact['value'])}\n{_percent(chance['mean'])}"


def _yes(value: bool) -> str:
    return "yes" if value else "no"


_TARGETS = {"mid_level": "level", "end_state": "end", "reciprocated": "answered"}
_REFERENCES = {
    "uniform": "uniform",
    "mid": "MID shares",
    "icb": "MID below war, ICB war share",
}
_COUNTS = {
    "war": "war",
    "reciprocated": "answered",
    "great_power_supported": "great power supported",
    "great_power_fought": "fought",
}


def _scores(result: Json, width: int) -> list[str]:
    found = result["summary"]["grave"]
    lines = []
    for target, word in _TARGETS.items():
        s = found["log_score"][target]
        text = f"log score, {word}: {s['model']:.3f} [{s['worst_codings']:.3f}, "
        text += f"{s['best_codings']:.3f}]" + "".join(
            f"; against {_REFERENCES[name]} {_gap(s[name])}" for name in _REFERENCES if name in s
        )
        lines += paragraph(text, width, hang="  ")
    inside = found["in_90"]
    text = f"within the central 90 %: rung {inside['peak_rung']}, level {inside['mid_level']}, "
    lines += paragraph(f"{text}duration {inside['duration']} of {found['n']}", width, hang="  ")
    counts = [f"{word} {_counted(found['counts'][name])}" for name, word in _COUNTS.items()]
    return [*lines, *paragraph(f"seen, and expected: {'; '.join(counts)}", width, hang="  ")]


def _counted(count: Json) -> str:
    return f"{count['observed']} of {count['n']} ({short_number(count['expected'])})"


def _gap(reference: Json) -> str:
    se = "" if reference["se"] is None else f" ± {reference['se']:.3f}"
    return f"({reference['score']:.3f}) {reference['difference']:+.3f}{se}"
