"""Every report at every width: no line too wide, the same numbers, no word before its meaning."""

from __future__ import annotations

import re
import types
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from synthetic import synthetic_dataset, synthetic_parts

import escalation
from escalation.analysis.comparison import CLEAR_ERRORS, CLEAR_SHARE
from escalation.analysis.findings import find
from escalation.report.beliefs_table import format_premises, has_premises
from escalation.report.campaign_report import format_status
from escalation.report.case_report import format_cases
from escalation.report.comparison_report import format_comparison
from escalation.report.decision_table import format_decision_table
from escalation.report.flips import format_break_even, format_sweep
from escalation.report.glossary import GLOSSARY, explained, said_once
from escalation.report.parameter_table import format_parameters
from escalation.report.prior_posterior_table import format_prior_posterior
from escalation.report.rates import format_rates
from escalation.report.record_report import (
    format_backtest,
    format_calibration,
    format_checks,
    format_surveys,
)
from escalation.report.show import format_show
from escalation.report.story import Cast, tell
from escalation.report.text import MOST_WIDTH, WIDTH, table, terminal_width
from escalation.report.verify_report import format_verify
from escalation.results.build import build_dataset
from escalation.results.companion import has_companion
from escalation.results.estimates import FEW_HITS
from escalation.results.support import LEAST_DRAWS, LEAST_HITS
from escalation.simulation.status import Estimate, Status

WIDTHS = (80, 81, 100, 120, 200)
HOSTILE = ["a" * 150, "bad\x1b[m\nname", r"$\undefined{x}$ </script> " * 5]
NUMBER = re.compile(r"[-+<>≤±]?(?:\d[\d,]*\.?\d*|\.\d+)(?:e-?\d+)?")
WORDS = {
    r"\bdraws?\b": "A draw is one set of values",
    r"P\(safer\)": "P(safer) is the share of draws",
    r"grave": "A grave crisis is a dispute",
    r"\bhistories\b": "A history is one",
    r"undecided|riskier": "The word safer (riskier)",
    r"\(ref\)|\breference\b": "The reference, marked (ref)",
    r"median \[5–95": "A median [5–95 %] is",
    r"\bm \.?\d": "m: the mean over draws",
    r"too rare": "too rare: fewer than",
    r"no hits": "no hits: the event",
    r"\bregret\b": "The regret is",
    r"[Pp]remise": "A premise is",
    r"\bposterior\b": "The posterior of a parameter",
    r"mean difference": "A mean difference is",
    r"flips where": "'flips where x > v' means",
    r"R-hat": "R-hat near 1",
    r"percentile|perc-": "The percentile says",
    r"base rate": "The base rate predicts",
    r"logit": "A logit is",
}
"""What is a word of art, and how its definition begins."""


def hostile() -> xr.Dataset:
    """Results whose names are long and full of signs, without digits."""
    arrays, coords, attrs = synthetic_parts(0, flashpoints=1, structures=3, draws=20,
                                            trajectories=60, sweep=False)  # fmt: skip
    attrs |= {"reference": HOSTILE[1], "study_title": "x" * 300 + "\x07"}
    return build_dataset(arrays, coords | {"structure": HOSTILE, "flashpoint": HOSTILE[2:]}, attrs)


def full() -> xr.Dataset:
    ds = synthetic_dataset(1, draws=24, trajectories=200, flashpoints=2, companion=True)
    return ds.assign_attrs(focus='["asian_nato"]')


RESULTS: dict[str, Callable[[], xr.Dataset]] = {
    "full": full,
    "hostile": hostile,
    "rare": lambda: synthetic_dataset(2, draws=9, trajectories=3, flashpoints=5, structures=3),
    "tiny": lambda: synthetic_dataset(0, draws=1, trajectories=1, flashpoints=1, structures=1,
                                      years=1),
    "one draw": lambda: synthetic_dataset(0, draws=1, trajectories=20, structures=2,
                                          flashpoints=1),
}  # fmt: skip


def of_results(ds: xr.Dataset) -> dict[str, Callable[[int], str]]:
    """Return the reports that results have, by name."""
    found: dict[str, Callable[[int], str]] = {
        "decision table": lambda w: format_decision_table(ds, w),
        "rates": lambda w: format_rates(ds, width=w),
        "all rates": lambda w: format_rates(ds, ds["structure"].values.tolist(), width=w),
        "break-even": lambda w: format_break_even(ds, w),
        "sweep": lambda w: format_sweep(ds, w),
    }
    if ds.sizes["structure"] > 1:
        findings = find(ds, ["war", "onset", "nuclear_use"])
        found["comparison"] = lambda w: format_comparison(findings, ds, w)
        weighed = find(ds, ["war"], loss={"war": 1.0, "concession": 0.25})
        found["loss"] = lambda w: format_comparison(weighed, ds, w)
    if has_companion(ds):
        found["prior and posterior"] = lambda w: format_prior_posterior(ds, w)
    if has_premises(ds):
        found["premises"] = lambda w: format_premises(ds, w)
    return found


def backtest(width: int) -> str:
    names = ("model", "base_rate", "logit", "logit_history")
    scores = {"max_level": dict.fromkeys(names, -0.7531), "joining": dict.fromkeys(names, None)}
    gap = {"mean": -0.0123, "se_clustered": 0.0101}
    rate = {"n": 12, "observed": 0.25, "low": 0.1, "high": 0.31, "covered": False}
    return format_backtest({
        "n": {"disputes": 40, "history": 0, "crises": 9}, "log_score": scores, "brier": scores,
        "rps": scores, "in_fit": {"disputes": 40, "crises": 9},
        "difference": {"max_level": dict.fromkeys(names[1:], gap), "joining": {}},
        "groups": {"interval": "beta", "share_covered": 0.9, "rates": {
            "pairs of neighbours that share a border by land": dict.fromkeys(
                ("use or war", "war", "reciprocation", "joining"), rate)}},
        "provenance": {"parameters": "posterior", "notes": ["a note \x1b[m" * 20],
                       "model": {"fitted_on": "z" * 200}, "baselines": {"trained_on": "folds"}},
        "crises": {"war": {"observed": 0.1, "predicted": 0.2},
                   "log_score": {"model": -1.5, "base_rate": -1.25},
                   "difference": {"base_rate": gap}},
    } | {"groups": {"interval": "beta", "share_covered": 0.9, "rates": {
        "neighbours " * 4: dict.fromkeys(("use or war", "war", "reciprocated", "joined",
                                           "use_or_war", "reciprocation", "joining"), rate)}}},
        width)  # fmt: skip


def calibration(width: int) -> str:
    rng = np.random.default_rng(0)
    names = ["choice_precision", "provocation_stake"]
    sample = types.SimpleNamespace(z=rng.normal(2, 0.3, (5, 8, 2)), r_hat=np.array([1.01, 1.02]),
                                   ess=np.array([400.0, 500.0]), accepted=0.31)  # fmt: skip
    posterior = types.SimpleNamespace(names=names, values=rng.gamma(2.0, size=(2, 40)))
    found = types.SimpleNamespace(sample=sample, posterior=posterior, max_r_hat=1.05, min_ess=300)
    fact = types.SimpleNamespace(name="share of disputes that reach war, " * 3, value=0.05,
                                 low=0.02, middle=0.04, high=0.09, inside=True)  # fmt: skip
    checks = types.SimpleNamespace(facts=[fact], share_covered=0.9)
    survey = types.SimpleNamespace(name="us_china_war", value=0.2)
    held = types.SimpleNamespace(surveys=[survey], answers={"us_china_war": np.full(4, 0.1)},
                                 weights=np.full(4, 0.25), effective_share=0.5)  # fmt: skip
    return "\n".join([format_calibration(found, width), format_checks(checks, width),
                      format_surveys(held, width)])  # fmt: skip


def verification(width: int) -> str:
    check = {"what": "outcomes of a dispute, by rung", "classes": 12, "chi_square": 10.5,
             "degrees_of_freedom": 11, "p": 0.43, "largest_difference": 2.1, "failed": True,
             "where": "settlement at rung four after the defender matched " * 2}  # fmt: skip
    cell = {"flashpoint": HOSTILE[2], "structure": HOSTILE[1], "draw": 0,
            "third_parties": ["japan"], "checks": [check] * 2}  # fmt: skip
    return format_verify({
        "study": HOSTILE[0], "cells": [cell], "together": check | {"where": ""},
        "plan": {"trajectories": 5000, "seed": 1, "level": 1e-4},
        "reduction": ["what was left out " * 9], "passed": False,
    }, width)  # fmt: skip


def status(width: int) -> str:
    known = dict.fromkeys(Estimate.__annotations__, 0.0) | {
        "flashpoint": HOSTILE[2], "structure": HOSTILE[1], "event": "war", "hits": 9,
        "probability": 0.08, "low": 0.07, "high": 0.09, "draws_low": 0.03, "draws_high": 0.2,
    }  # fmt: skip
    never = known | {"hits": 0, "high": 0.001, "draws_low": None, "draws_high": None}
    estimates = [types.SimpleNamespace(**e) for e in (known, never)]
    fields = dict.fromkeys(Status.__annotations__, 5) | {
        "study": HOSTILE[0], "holder": HOSTILE[1] * 9, "estimates": estimates, "finished": False,
        "rate": 2e6, "seconds_left": 60.0,
    }  # fmt: skip
    return format_status(types.SimpleNamespace(**fields), width)


def cases(width: int) -> str:
    predicted = {
        "mid_level": {"mean": [0.2, 0.3, 0.4, 0.1]}, "war": {"low": 0.02, "high": 0.3},
        "mean_days": {"mean": 61.0}, "reciprocated": {"mean": 0.5},
        "great_power_supported": {"mean": 0.75},
    }  # fmt: skip
    score = {"mid_level": {"p": 0.3, "percentile": 0.45, "in_90": True}, "end_state": {"p": 0.6},
             "duration": {"percentile": 0.91, "in_90": False}}  # fmt: skip
    case = {
        "title": "A strait and the islands in it", "routine": {"score": score},
        "grave": {"predicted": predicted, "score": score},
        "actual": {"mid_level": 3, "duration_days": {"value": 98}, "reciprocated": {"value": True},
                   "end_state": {"value": "challenger_withdraws"}, "great_power_supported": None},
    }  # fmt: skip
    gap = {"score": -1.4, "difference": 0.2, "se": 0.1}
    model = {"model": -1.1, "worst_codings": -1.3, "best_codings": -0.9, "uniform": gap}
    count = {"observed": 2, "n": 7, "expected": 1.5}
    return format_cases({
        "cases": {"a": case, "b": case}, "used_for_fitting": ["a"], "parameter_source": "prior",
        "plan": {"draws": 64, "trajectories": 2000},
        "summary": {"grave": {
            "log_score": dict.fromkeys(("mid_level", "end_state", "reciprocated"), model),
            "in_90": {"peak_rung": 6, "mid_level": 7, "duration": 5}, "n": 7,
            "counts": dict.fromkeys(("war", "reciprocated", "great_power_supported",
                                     "great_power_fought"), count)}},
    }, width)  # fmt: skip


OTHERS: dict[str, Callable[[int], str]] = {
    "backtest": backtest,
    "calibration": calibration,
    "verification": verification,
    "status": status,
    "cases": cases,
    "parameters": lambda w: format_parameters(escalation.parameters(), w),
}


def faults(text: str, width: int) -> list[str]:
    """Lines that are too wide or hold a control character."""
    return [
        line for line in text.split("\n")
        if len(line) > width or not all(letter.isprintable() for letter in line)
    ]  # fmt: skip


def too_early(text: str) -> list[str]:
    """Words of art that stand before their definition, or without one."""
    flat = " ".join(text.split())
    return [
        beginning for pattern, beginning in WORDS.items()
        if (word := re.search(pattern, flat)) and not 0 <= flat.find(beginning) <= word.start()
    ]  # fmt: skip


def check(report: Callable[[int], str]) -> None:
    texts = {width: report(width) for width in WIDTHS}
    numbers = {width: Counter(NUMBER.findall(text)) for width, text in texts.items()}
    for width, text in texts.items():
        assert not faults(text, width)
        assert not faults(text, MOST_WIDTH)
        assert numbers[width] == numbers[80], width
        assert not too_early(text), width


@pytest.mark.parametrize("name", RESULTS)
def test_reports_of_results(name: str) -> None:
    ds = RESULTS[name]()
    for report in of_results(ds).values():
        check(report)
    for width in WIDTHS:
        assert not faults(format_show(ds, width), width)


@pytest.mark.parametrize("name", OTHERS)
def test_other_reports(name: str) -> None:
    check(OTHERS[name])


def test_a_story_fits() -> None:
    log = np.zeros((3, 14), np.int64)
    cast = Cast("a" * 90, "b c " * 40, ("d",))
    for width in WIDTHS:
        assert not faults("\n".join(tell(log, cast, width)), width)


def test_a_fault_is_found() -> None:
    assert faults("a" * 81, 80) == ["a" * 81]
    assert faults("\x1b[m", 80)
    assert too_early("P(safer) comes first. P(safer) is the share of draws")
    assert too_early("many draws")
    assert not too_early("A draw is one set of values; many draws")
    with pytest.raises(AssertionError):
        check(lambda width: f"{width}")
    with pytest.raises(AssertionError):
        check(lambda width: "-" * 121)


def test_a_table_uses_the_room_that_there_is() -> None:
    """One line each where it fits, two where not, then several blocks; nothing is lost."""
    rows = [("pact", ["8.0\n[2.7–19.7]"] * 6)]
    heads = ["war\n%"] * 6
    assert len(table(heads, rows, 120)) == 3
    assert len(table(heads, rows, 90)) == 4
    assert len(table(heads, rows, 60)) == 7
    assert table(["a"], [("title", []), ("pact", ["1"])], 80)[1] == "title"
    assert table(["a", ""], [("pact", ["1", ""])], 80) == ["      a", "pact  1"]
    assert table(["a"], [], 80) == ["  a"]
    wide = "\n".join(table(["a b"], [("c" * 60, ["d" * 99])] * 2, 80))
    assert not faults(wide, 80)
    assert wide.count("c") == 120
    assert wide.count("d") == 198
    assert max(map(len, table(heads, rows, 300))) <= MOST_WIDTH


def test_words_are_explained_once_and_in_order() -> None:
    one = explained(["P(safer) .5 undecided"], 80)
    assert one.startswith("- A draw is one set")
    assert said_once(f"{one}\n\n{one}", 80).count("P(safer) is the share") == 1
    for k, sentence in enumerate(GLOSSARY.values()):
        for pattern in list(GLOSSARY)[k + 1 :]:
            assert not re.search(pattern, sentence), (pattern, sentence)


def test_the_glossary_has_the_numbers_of_the_code() -> None:
    words = " ".join(GLOSSARY.values())
    for text in (f"needs {100 * CLEAR_SHARE:.0f} % of draws", f"than {CLEAR_ERRORS:g} standard",
                 f"rare: fewer than {LEAST_HITS} ", f"draws: fewer than {LEAST_DRAWS},",
                 f"fewer than {FEW_HITS} events"):  # fmt: skip
        assert text in words


@pytest.mark.parametrize(("columns", "width"), [
    ("200", MOST_WIDTH), ("97", 97), ("20", WIDTH), ("none", WIDTH), ("", WIDTH),
])
def test_the_width_of_the_terminal(monkeypatch, columns: str, width: int) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr("os.get_terminal_size", lambda *_: (_ for _ in ()).throw(OSError))
    assert terminal_width() == width
