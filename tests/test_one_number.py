"""One number, one home: whatever shows a quantity shows what `estimates` says, to the last digit.

Every surface is a function from results to texts by quantity, flashpoint and structure. What it
must say is written here once more, in the plainest way, from the estimates.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Callable
from pathlib import Path

import campaign_tools
import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner
from synthetic import synthetic_dataset

from escalation import open_results, plots
from escalation.analysis.findings import as_json, find
from escalation.cli.app import main
from escalation.contracts.codes import EVENTS
from escalation.plots.style import percent_number
from escalation.report.cells import RATES
from escalation.report.decision_table import format_decision_table, write_decision_csv
from escalation.report.rates import format_rates
from escalation.report.text import short_number
from escalation.results.derive import with_probabilities
from escalation.results.estimates import estimates
from escalation.results.quantities import DECISION, QUANTITIES, RISKS
from escalation.results.under_rule import under_rule
from escalation.simulation.stopping import Target, verdict_on

Key = tuple[str, str, str]
Shown = dict[Key, str]


@pytest.fixture(scope="module")
def ds() -> xr.Dataset:
    return with_probabilities(
        synthetic_dataset(3, draws=12, trajectories=400, flashpoints=2, structures=5)
    )


@pytest.fixture(scope="module")
def known(ds) -> xr.Dataset:
    return estimates(ds)


def numbers(known: xr.Dataset, key: Key) -> dict[str, float]:
    quantity, flashpoint, structure = key
    cell = known.sel(quantity=quantity, flashpoint=flashpoint, structure=structure)
    return {str(name): cell[name].item() for name in cell.data_vars}


def in_columns(text: str, names: tuple[str, ...], ds: xr.Dataset) -> Shown:
    """Read a table whose cells are in one line each: one block of columns below the other."""
    parts = [re.split(r" {2,}", line) for line in text.split("\n")]
    cells = [line[1:] for line in parts if len(line) > 1 and re.match(r"(m )?[<>]?[\d.]", line[1])]
    rows = [(str(f), str(s)) for f in ds["flashpoint"].values for s in ds["structure"].values]
    found: Shown = {}
    for place, row in enumerate(rows):
        shown = [cell for block in cells[place :: len(rows)] for cell in block]
        assert len(shown) == len(names)
        found |= {(name, *row): cell for name, cell in zip(names, shown, strict=True)}
    return found


def decision_text(ds: xr.Dataset) -> Shown:
    found: Shown = {}
    for flashpoint in ds["flashpoint"].values:
        text = format_decision_table(ds).split(f"{flashpoint}, ")[1].split("\n\nAgainst")[0]
        found |= in_columns(text, DECISION, ds.sel(flashpoint=[flashpoint]))
    return found


def rates_text(ds: xr.Dataset) -> Shown:
    everywhere = [str(name) for name in ds["structure"].values]
    return in_columns(format_rates(ds, everywhere), RATES, ds)


def as_in_text(name: str, e: dict[str, float]) -> str:
    scale = QUANTITIES[name].scale

    def short(value: float) -> str:
        return short_number(value * scale)

    if e["trials"] == 0:
        return "-"
    if e["hits"] == 0:
        return f"<{short(e['bound'])}"
    value = f"m {short(e['mean'])}" if e["sparse"] else short(e["median"])
    if math.isnan(e["high"]):
        return value
    if e["high"] == 0:
        return f"{value} [<{short(e['draw_bound'])}]"
    if e["low"] == 0:
        return f"{value} [≤{short(e['high'])}]"
    return f"{value} [{short(e['low'])}–{short(e['high'])}]"


def heat_map(ds: xr.Dataset) -> Shown:
    found: Shown = {}
    for event in EVENTS:
        (ax,) = plots.risk_heat_map(ds, event).axes
        for text in ax.texts:
            f, s = (round(x) for x in text.get_position())
            place = str(ds["flashpoint"].values[f]), str(ds["structure"].values[s])
            found[RISKS[event].name, *place] = text.get_text()
    return found


def as_on_heat_map(_: str, e: dict[str, float]) -> str:
    if e["hits"] == 0:
        return f"< {percent_number(e['bound'])}"
    if e["full"]:
        return f"> {percent_number(1 - e['bound'])}"
    value = f"mean {percent_number(e['mean'])}" if e["sparse"] else percent_number(e["median"])
    if math.isnan(e["high"]):
        return value
    if e["high"] == 0:
        return f"{value}\nrange < {percent_number(e['draw_bound'])}"
    low, high = percent_number(e["low"]), percent_number(e["high"])
    return f"{value}\n≤ {high}" if e["low"] == 0 else f"{value}\n{low}–{high}"


SURFACES: dict[str, tuple[Callable, Callable, int]] = {
    "decision table": (decision_text, as_in_text, len(DECISION)),
    "rates": (rates_text, as_in_text, len(RATES)),
    "heat map": (heat_map, as_on_heat_map, len(EVENTS)),
}
"""What shows numbers as texts, what these must be, and of how many quantities."""


@pytest.mark.parametrize("surface", SURFACES)
def test_a_text_shows_the_estimate(ds, known, surface) -> None:
    read, expected, size = SURFACES[surface]
    shown = read(ds)
    assert len(shown) == size * ds.sizes["flashpoint"] * ds.sizes["structure"]
    for key, text in shown.items():
        assert text == expected(key[0], numbers(known, key)), key


@pytest.mark.parametrize(("write", "names"), [
    (format_decision_table, DECISION),
    (lambda ds: format_rates(ds, [str(name) for name in ds["structure"].values]), RATES),
])
def test_the_footnote_holds_the_largest_error(ds, known, write, names) -> None:
    """1.96 of the standard errors, at every flashpoint of the decision table, else in all."""
    flat = " ".join(write(ds).split())
    notes = re.findall(r"Chance moves each number of this table (.*?), in 95 % of runs", flat)
    places = [[str(name)] for name in ds["flashpoint"].values]
    places = places if len(notes) > 1 else [[name for (name,) in places]]
    for note, place in zip(notes, places, strict=True):
        for name in names:
            q, e = QUANTITIES[name], known.sel(quantity=name, flashpoint=place)
            shown = (e["hits"] > 0) & ~e["full"] & (q.kind != "mean")
            errors = e["monte_carlo_se"].values[shown.values] * q.scale
            title = q.title.replace("P(", "").replace(")", "")
            assert (f"({title})" in note) == bool(errors.size)
            if errors.size:
                assert np.isfinite(errors).all()
                assert f"±{short_number(1.96 * errors.max())} ({title})" in note


def test_every_quantity_is_shown_somewhere(ds) -> None:
    shown = {key[0] for read, *_ in SURFACES.values() for key in read(ds)}
    rest = {"p_concession_given_grave", "immediate_deterrence_failure"}
    assert shown == set(QUANTITIES) - rest, "those are variables of the dataset only"


def test_the_table_file_holds_the_estimates(ds, known, tmp_path) -> None:
    columns = {
        "median": "median", "mean": "mean", "low": "draws_5_percent", "high": "draws_95_percent",
        "monte_carlo_se": "mc_error_of_mean", "hits": "hits", "trials": "trials",
    }  # fmt: skip
    with write_decision_csv(ds, tmp_path / "table.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(DECISION) * ds.sizes["flashpoint"] * ds.sizes["structure"]
    for row in rows:
        e = numbers(known, (row["metric"], row["flashpoint"], row["structure"]))
        bound = e["bound"] if e["hits"] == 0 else e["draw_bound"]
        for name, column in columns.items():
            text = "" if math.isnan(e[name]) else f"{e[name]:.6g}"
            zero = e[name] == 0 and name in ("median", "mean", "low", "high")
            assert row[column] == (f"<{bound:.6g}" if zero else text), (row["metric"], name)


def test_the_comparison_holds_the_estimates(ds, known) -> None:
    found = as_json(find(ds, list(RISKS), loss={}), ds)["comparison"]
    shared = ("mean", "monte_carlo_se", "low", "high", "parameter_sd", "hits", "trials", "bound")
    compared = 0
    for name in shared:
        for by_flashpoint in found[name].values():
            for flashpoint, by_risk in by_flashpoint.items():
                for risk, by_structure in by_risk.items():
                    for structure, shown in by_structure.items():
                        e = numbers(known, (RISKS[risk].name, flashpoint, structure))[name]
                        assert shown == (None if math.isnan(e) else e), (name, risk, structure)
                        compared += 1
    size = ds.sizes["flashpoint"] * ds.sizes["structure"]
    assert compared == len(shared) * len(RISKS) * size


def test_the_status_of_a_campaign_holds_the_estimates(whole: Path) -> None:
    found = json.loads(CliRunner().invoke(main, ["status", str(whole), "--json"]).output)
    known = estimates(open_results(whole))
    assert len(found["estimates"]) > 3
    for row in found["estimates"]:
        e = numbers(known, (f"p_{row['event']}", row["flashpoint"], row["structure"]))
        pairs = {"probability": "mean", "low": "mc_low", "high": "mc_high", "hits": "hits",
                 "histories": "trials", "draws_low": "low", "draws_high": "high"}  # fmt: skip
        for name, wanted in pairs.items():
            assert row[name] == e[wanted], (row["event"], row["structure"], name)


def test_a_precision_target_is_held_against_the_estimates(whole: Path) -> None:
    """It holds at 1.96 of the tables' errors, and not at a billionth less."""
    study, ds = campaign_tools.little(), open_results(whole)
    arrays = {"replicate_count": ds["replicate_count"].values}
    n = int(ds.attrs["trajectories"])
    half = 0.0
    for rule in study.decision_rules:
        known = estimates(ds, ["p_dispute"], rule=rule).sel(quantity="p_dispute")
        half = max(half, float(((known["mc_high"] - known["mc_low"]) / 2).max()))
    for factor, met in ((1 + 1e-9, True), (1 - 1e-9, False)):
        target = Target("dispute", "absolute", half * factor)
        assert verdict_on(target, study, arrays, n).met is met


@pytest.mark.parametrize("name", QUANTITIES)
def test_the_variable_of_the_dataset_is_what_is_estimated(ds, known, name) -> None:
    values = under_rule(ds)[name]
    for place in np.ndindex(ds.sizes["flashpoint"], ds.sizes["structure"]):
        here = dict(zip(("flashpoint", "structure"), place, strict=True))
        draws = values.isel(here).values
        e = known.sel(quantity=name).isel(here)
        assert e["mean"].item() == pytest.approx(np.nanmean(draws), rel=1e-12)
        assert e["median"].item() == np.nanmedian(draws)
        assert e["draws"].item() == np.isfinite(draws).sum()


def test_the_estimate_does_not_hang_on_how_it_is_asked_for(ds, known) -> None:
    """Plausible values are random, but the same for every caller."""
    again = estimates(under_rule(ds).isel(flashpoint=[1, 0]), ["p_war", "disputes_per_year"])
    xr.testing.assert_identical(
        again, known.sel(quantity=again["quantity"], flashpoint=again["flashpoint"])
    )
