"""Decision table, comparison and rates: what they say and how they look."""

from __future__ import annotations

import csv
import re

import numpy as np
import pytest
from synthetic import FLASHPOINTS, REFERENCE, STRUCTURES, synthetic_dataset, synthetic_parts

from escalation.errors import InputError
from escalation.report.cells import DECISION_METRICS, estimate
from escalation.report.decision_table import (
    CSV_COLUMNS,
    decision_table,
    format_decision_table,
    write_decision_csv,
)
from escalation.report.rates import format_rates, headline_rates
from escalation.report.show import format_show
from escalation.report.text import safe, short_number, wrapped_name
from escalation.results.build import build_dataset
from escalation.results.derive import with_probabilities
from escalation.results.under_rule import under_rule
from escalation.statistics.intervals import zero_upper_bound


@pytest.fixture(scope="module")
def ds():
    return synthetic_dataset(1, trajectories=200)


def widest(text):
    return max(len(line) for line in text.splitlines())


def test_all_is_there_within_100_columns(ds):
    text = format_show(ds)
    assert widest(text) <= 100
    for name in FLASHPOINTS:
        assert name in text
    for metric in DECISION_METRICS:
        assert metric.heading[0] in text
    assert "\x1b" not in text
    plain = text.replace("\n", " ")
    for word in ("Monte Carlo standard error", "5–95 % of draws", "P(safer)", "undecided"):
        assert word in plain


def test_numbers_are_those_of_the_derived_variables(ds):
    p = under_rule(with_probabilities(ds))
    for row in decision_table(ds).rows:
        for name, e in row.estimates.items():
            draws = p[name].sel(flashpoint=row.flashpoint, structure=row.structure).values
            low, median, high = np.nanquantile(draws, (0.05, 0.5, 0.95))
            assert e.median == pytest.approx(median), name
            assert e.mean == pytest.approx(np.nanmean(draws))
            se = p[f"{name}_mc_se"].sel(flashpoint=row.flashpoint, structure=row.structure).values
            known = np.isfinite(draws)
            # The Monte Carlo part of the spread is taken out by moving towards the mean.
            total = draws[known].var(ddof=1)
            factor = max(0.0, 1 - (se[known] ** 2).mean() / total) ** 0.5 if total else 1.0
            for found, raw in ((e.low, low), (e.high, high)):
                free = e.mean + factor * (raw - e.mean)
                assert found == pytest.approx(free if raw > 0 else 0.0), name
            error = (se[known] ** 2).sum() ** 0.5 / known.sum()
            assert e.mc_error == pytest.approx(error if e.hits else np.nan, nan_ok=True)


def test_no_hits_is_a_bound_and_never_zero():
    e = estimate(np.zeros(4), np.full(4, 500.0))
    assert e.bound == pytest.approx(float(zero_upper_bound(2000)))
    assert e.value_text(100) == "<.15"
    assert e.spread_text(100) == ""


def test_mostly_no_hits_shows_the_mean_and_says_so():
    e = estimate(np.array([0.0, 0, 0, 2]), np.full(4, 100.0))
    assert e.value_text(100).startswith("m .50 ±")
    assert e.spread_text(100) == "[≤1.4]"  # 1.7 with the Monte Carlo part in it
    rare = estimate(np.array([0.0] * 99 + [1]), np.full(100, 100.0))
    assert rare.spread_text(100).startswith("[<")


def test_no_trials_is_a_dash():
    e = estimate(np.zeros(3), np.zeros(3))
    assert (e.value_text(100), e.spread_text(100)) == ("-", "")
    some = estimate(np.array([0.0, 1, 2]), np.array([0.0, 4, 4]))
    assert some.draws == 2
    assert some.median == pytest.approx(0.375)


def test_no_cell_of_a_table_reads_zero(ds):
    table = format_decision_table(ds)
    for line in table.split("\n\nAgainst")[0].splitlines()[4:]:
        assert not re.search(r"(^|[ \[–])0(\.0*)?([ \]–]|$)", line), line


@pytest.mark.parametrize(
    "size",
    [
        {"draws": 1, "flashpoints": 1, "structures": 1, "trajectories": 1, "years": 1},
        {"draws": 1, "flashpoints": 2, "structures": 3, "trajectories": 20},
        {"draws": 2, "flashpoints": 1, "structures": 2, "trajectories": 10, "sweep": False},
    ],
)
def test_small_runs_are_shown(size):
    text = format_show(synthetic_dataset(0, **size))
    assert widest(text) <= 100
    assert "nan" not in text


def test_without_a_reference_there_is_no_comparison(ds):
    text = format_show(ds.assign_attrs(reference="gone"))
    assert "No reference structure" in text
    assert "Against" not in text
    bare = ds.drop_attrs().assign_attrs(
        trajectories=ds.attrs["trajectories"], horizon_years=10, seed=1
    )
    assert widest(format_show(bare)) <= 100


def test_another_reference_may_be_named(ds):
    assert "Against quad" in format_decision_table(ds, reference="quad")
    with pytest.raises(InputError, match="unknown structure 'none'"):
        decision_table(ds, reference="none")


def test_hostile_and_long_names_keep_the_form():
    names = ["a" * 150, "bad\x1b[31m\nname", r"$\undefined{x}$ </script> " * 5]
    arrays, coords, attrs = synthetic_parts(0, flashpoints=1, structures=3, draws=9,
                                            trajectories=20, sweep=False)
    attrs |= {"reference": names[1], "study_title": "x" * 300 + "\x07"}
    ds = build_dataset(arrays, coords | {"structure": names, "flashpoint": names[2:]}, attrs)
    text = format_show(ds)
    assert widest(text) <= 100
    assert all(c == "\n" or c.isprintable() for c in text)


def test_csv_has_a_line_per_metric_and_no_zero_probability(ds, tmp_path):
    path = write_decision_csv(ds, tmp_path / "table.csv")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert len(rows) == len(FLASHPOINTS) * len(STRUCTURES) * len(DECISION_METRICS)
    for row in rows:
        assert row["median"] != "0"
        assert row["mean"] != "0"
        assert (row["hits"] == "0") == bool(row["upper_bound_95_if_no_hit"])
        assert bool(row["verdict"]) == (row["structure"] != REFERENCE)


def test_rates(ds):
    rows = headline_rates(ds)
    assert len(rows) == len(FLASHPOINTS) * len(STRUCTURES)
    p = under_rule(with_probabilities(ds))
    last = rows[-1]
    days = p["mean_duration_days"].isel(flashpoint=-1, structure=-1).values
    assert last.estimates["mean_duration_days"].median == pytest.approx(np.median(days))
    text = format_rates(ds)
    assert widest(text) <= 100
    assert f"Under {REFERENCE}" in text
    assert widest(format_rates(ds, STRUCTURES[:2])) <= 100
    with pytest.raises(InputError):
        format_rates(ds, ["none"])


def test_text_helpers():
    assert [short_number(x) for x in (0, 1, -0.5, 0.0996, 0.0094, 1e-9, 123456.0, np.nan)] == [
        "0", "1.0", "-.50", ".10", ".009", "1e-9", "1e5", "-",
    ]
    assert all(len(short_number(x)) <= 5 for x in np.logspace(-12, 12, 500))
    assert wrapped_name("asian_nato_with_india", 12, 2) == ["asian_nato_", "with_india"]
    assert wrapped_name("x" * 30, 10, 2) == ["x" * 10, "x" * 9 + "…"]
    assert safe("a\tb") == "a b"
