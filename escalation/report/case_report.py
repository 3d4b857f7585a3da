"""The historical cases as one page of plain text."""

from __future__ import annotations

from typing import Any

from escalation.report.text import WIDTH, line_of, paragraph, safe, short_number

Json = dict[str, Any]

NAME_WIDTH = 28
LEVELS = ("threat", "display", "use", "war")

_LEVEL_HEADINGS = (
    ("", *LEVELS, "war", "went", "P of", "perc-", "in", "if"),
    ("per cent", "", "", "", "", "5-95 %", "to", "that", "entile", "90 %", "routine"),
)
_LEVEL_WIDTHS = (7, 8, 5, 5, 10, 8, 6, 7, 5, 8)
_OTHER_HEADINGS = (
    ("", "", "P of", "answered?", "supported?", "days", "perc-", "in"),
    ("", "ended by", "that", "P yes", "P yes", "(mean)", "entile", "90 %"),
)
_OTHER_WIDTHS = (14, 6, 11, 12, 12, 7, 5)
_ENDS = {
    "challenger_withdraws": "withdrawal",
    "settlement": "settlement",
    "defender_concedes": "concession",
    "challenger_wins": "lost war",
    "coalition_wins": "won war",
    "general_exchange": "exchange",
}


def format_cases(result: Json) -> str:
    """Return the page: two tables, the scores, and what they do not show.

    Parameters
    ----------
    result : dict
        From `escalation.history.cases.run_cases`.
    """
    lines = [_source(result), ""]
    lines += _table(result, _LEVEL_HEADINGS, _LEVEL_WIDTHS, _level_cells)
    lines += ["", *_table(result, _OTHER_HEADINGS, _OTHER_WIDTHS, _other_cells)]
    lines += ["", *_scores(result), ""]
    for text in (_READING, f"{_sample(result)} {_LIMITS}"):
        lines += paragraph(text, WIDTH)
    return "\n".join(lines)


_READING = (
    "Given a grave crisis; means over draws. Routine: P of the same level in a routine dispute. "
    "Percentile: mid-p, uniform if predictions are right. In 90 %: within the central interval. "
    "Answered, supported by the great power: what happened, and the predicted chance of yes. "
    "Log score: mean log P of what happened, larger is better; in brackets the worst and the best "
    "of the arguable codings; differences ± standard error over cases."
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


def _table(result: Json, headings: Any, widths: tuple[int, ...], cells: Any) -> list[str]:
    rows = [(heading[0], heading[1:]) for heading in headings]
    rows += [(safe(case["title"])[:NAME_WIDTH], cells(case)) for case in result["cases"].values()]
    return [
        line_of(name, [c.rjust(w) for c, w in zip(row, widths, strict=True)], NAME_WIDTH, 0)
        for name, row in rows
    ]


def _percent(p: float) -> str:
    return short_number(100 * p)


def _level_cells(case: Json) -> list[str]:
    grave, score = case["grave"]["predicted"], case["grave"]["score"]["mid_level"]
    war = grave["war"]
    return [
        *(_percent(p) for p in grave["mid_level"]["mean"]),
        f"{_percent(war['low'])}–{_percent(war['high'])}",
        LEVELS[case["actual"]["mid_level"] - 2],
        _percent(score["p"]),
        f"{score['percentile']:.2f}",
        _yes(score["in_90"]),
        _percent(case["routine"]["score"]["mid_level"]["p"]),
    ]


def _other_cells(case: Json) -> list[str]:
    actual, grave, score = case["actual"], case["grave"]["predicted"], case["grave"]["score"]
    days = f"{actual['duration_days']['value']} ({grave['mean_days']['mean']:.0f})"
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
    return f"{_yes(fact['value'])} {_percent(chance['mean']).rjust(4)}"


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


def _scores(result: Json) -> list[str]:
    found = result["summary"]["grave"]
    lines = []
    for target, word in _TARGETS.items():
        s = found["log_score"][target]
        text = f"log score, {word}: {s['model']:.3f} [{s['worst_codings']:.3f}, "
        text += f"{s['best_codings']:.3f}]" + "".join(
            f"; against {_REFERENCES[name]} {_gap(s[name])}" for name in _REFERENCES if name in s
        )
        lines += paragraph(text, WIDTH, hang="  ")
    inside = found["in_90"]
    text = f"within the central 90 %: rung {inside['peak_rung']}, level {inside['mid_level']}, "
    lines += paragraph(f"{text}duration {inside['duration']} of {found['n']}", WIDTH, hang="  ")
    counts = [f"{word} {_counted(found['counts'][name])}" for name, word in _COUNTS.items()]
    return [*lines, *paragraph(f"seen, and expected: {'; '.join(counts)}", WIDTH, hang="  ")]


def _counted(count: Json) -> str:
    return f"{count['observed']} of {count['n']} ({short_number(count['expected'])})"


def _gap(reference: Json) -> str:
    se = "" if reference["se"] is None else f" ± {reference['se']:.3f}"
    return f"({reference['score']:.3f}) {reference['difference']:+.3f}{se}"
