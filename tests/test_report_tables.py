"""Decision table, comparison and rates: what they say and how they look."""

from __future__ import annotations

import csv
import re

import numpy as np
import pytest
import xarray as xr
from synthetic import FLASHPOINTS, REFERENCE, STRUCTURES, synthetic_dataset, synthetic_parts

from escalation.errors import InputError
from escalation.report.cells import Cell
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
from escalation.results.estimates import ratio_estimates
from escalation.results.quantities import DECISION, QUANTITIES
from escalation.results.under_rule import under_rule
from escalation.statistics.intervals import zero_upper_bound


@pytest.fixture(scope="module")
def ds():
    return synthetic_dataset(1, trajectories=200)


def cell_of(hits, trials):
    """Return the cell of P(war) of a structure of which nothing is counted by replicate."""
    found = ratio_estimates(*(xr.DataArray(np.asarray(a), dims="draw") for a in (hits, trials)))
    fields = {name: found[name].item() for name in Cell.__annotations__ if name in found}
    return Cell(QUANTITIES["p_war"], **fields)


def widest(text):
    return max(len(line) for line in text.splitlines())


def test_all_is_there_within_100_columns(ds):
    text = format_show(ds)
    assert widest(text) <= 100
    for name in FLASHPOINTS:
        assert name in text
    for name in DECISION:
        assert QUANTITIES[name].heading[0] in text
    assert "\x1b" not in text
    plain = text.replace("\n", " ")
    for word in ("Chance moves each number", "median [5–95 %]", "P(safer)", "undecided"):
        assert word in plain


def test_numbers_are_those_of_the_derived_variables(ds):
    p = under_rule(with_probabilities(ds))
    for row in decision_table(ds).rows:
        for name, e in row.cells.items():
            draws = p[name].sel(flashpoint=row.flashpoint, structure=row.structure).values
            low, median, high = np.nanquantile(draws, (0.05, 0.5, 0.95))
            assert e.median == pytest.approx(median), name
            assert e.mean == pytest.approx(np.nanmean(draws))
            if not e.hits:
                assert np.isnan(e.monte_carlo_se)
                continue
            assert e.monte_carlo_se == pytest.approx(replicate_error(ds, row, name), rel=1e-9)
            if name != "p_war_given_grave":  # of a share the chance is known exactly, too
                n = float(ds.attrs["trajectories"])
                alone = (draws * (1 - draws) / n).mean() / draws.size
                rough = 0.35 if name == "disputes_per_year" else 0.25
                scale = 10 * n if name == "disputes_per_year" else 1.0
                exact = draws.mean() / scale / draws.size if scale > 1 else alone
                assert e.monte_carlo_se == pytest.approx(exact**0.5, rel=rough), name
            for found, raw in ((e.low, low), (e.high, high)):
                assert found == 0 if raw == 0 else found > 0, name
            # Without the Monte Carlo part the range is narrower by about the root of what is left.
            known = draws[np.isfinite(draws)]
            left = max(0.0, 1 - known.size * e.monte_carlo_se**2 / known.var(ddof=1)) ** 0.5
            if low > 0 and left > 0.5:
                assert e.high - e.low == pytest.approx(left * (high - low), abs=0.4 * (high - low))


def replicate_error(ds, row, name):
    """Monte Carlo error of a mean over draws, from the counts by replicate, in plain words."""
    q, here = QUANTITIES[name], {"flashpoint": row.flashpoint, "structure": row.structure}
    counts = under_rule(ds)["replicate_count"].sel(here).transpose("draw", "replicate", "counted")
    n = ds.attrs["trajectories"]
    sizes = np.array([len(range(b, n, 16)) for b in range(16)], float)
    more = {"trajectories": sizes, "years": sizes * ds.attrs["horizon_years"]}
    variances = []
    for draw in counts:
        h, t = (
            more[what] if what in more else draw.sel(counted=what).values
            for what in (q.hits, q.trials)
        )
        if t.sum() > 0:
            e = (h - h.sum() / t.sum() * t) / t.sum()
            variances.append((e**2).sum() / (1 - (t**2).sum() / t.sum() ** 2))
    return (np.mean(variances) / len(variances)) ** 0.5


def test_no_hits_is_a_bound_and_never_zero():
    e = cell_of(np.zeros(4), np.full(4, 500.0))
    assert e.bound == pytest.approx(float(zero_upper_bound(2000)))
    assert e.value_text() == "<.15"
    assert e.spread_text() == ""


def test_mostly_no_hits_shows_the_mean_and_says_so():
    e = cell_of(np.array([0.0, 0, 0, 2]), np.full(4, 100.0))
    assert e.value_text().startswith("m .50")
    assert e.spread_text() == "[≤1.4]"  # 1.7 with the Monte Carlo part in it
    rare = cell_of(np.array([0.0] * 99 + [1]), np.full(100, 100.0))
    assert rare.spread_text().startswith("[<")


def test_no_trials_is_a_dash():
    e = cell_of(np.zeros(3), np.zeros(3))
    assert (e.value_text(), e.spread_text()) == ("-", "")
    some = cell_of(np.array([0.0, 1, 2]), np.array([0.0, 4, 4]))
    assert some.draws == 2
    assert some.median == pytest.approx(0.375)


def test_no_cell_of_a_table_reads_zero(ds):
    table = format_decision_table(ds).split(f"{FLASHPOINTS[0]}, ")[1]
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
    assert len(rows) == len(FLASHPOINTS) * len(STRUCTURES) * len(DECISION)
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
    assert last.cells["mean_duration_days"].median == pytest.approx(np.median(days))
    text = format_rates(ds)
    assert widest(text) <= 100
    assert f"under {REFERENCE}" in text
    assert widest(format_rates(ds, STRUCTURES[:2])) <= 100
    with pytest.raises(InputError):
        format_rates(ds, ["none"])


def test_text_helpers():
    assert [short_number(x) for x in (0, 1, -0.5, 0.0996, 0.0094, 1e-9, 123456.0, np.nan)] == [
        "0", "1.0", "-.50", ".10", ".009", "1e-9", "1e5", "-",
    ]
    assert all(len(short_number(x)) <= 5 for x in np.logspace(-12, 12, 500))
    assert wrapped_name("asian_nato_with_india", 12) == ["asian_nato_", "with_india"]
    assert wrapped_name("x" * 25, 10) == ["x" * 10, "x" * 10, "x" * 5]
    assert wrapped_name("  a b", 20) == ["  a b"]
    assert safe("a\tb") == "a b"
