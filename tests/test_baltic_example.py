"""The example outside Asia: it loads without a note, and its answers are no nonsense."""

from __future__ import annotations

import re
import warnings

import cells
import pytest
import xarray as xr
from test_drawn import unlisted

import escalation
from escalation.study import load_study
from escalation.study.base import parts_of
from escalation.study.quantity import InlinePrior
from escalation.study.schema import Study

BALTIC = cells.CONFIGS / "examples" / "baltic.yaml"
ASIA = re.compile("asia|china|taiwan|japan|korea|philippin|hub_and_spoke", re.IGNORECASE)


@pytest.fixture(scope="module")
def baltic() -> Study:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return load_study(BALTIC)


@pytest.fixture(scope="module")
def ds(baltic: Study) -> xr.Dataset:
    played = baltic.model_copy(update={"premises": {}})
    return escalation.run(played, draws=64, trajectories=400, seed=3)


def events(ds: xr.Dataset, name: str) -> xr.DataArray:
    """Share of all histories in which something happened, by structure."""
    return ds[name].mean(("decision_rule", "flashpoint", "draw"))


def test_it_loads_with_nothing_said_in_vain(baltic: Study) -> None:
    assert list(baltic.flashpoints) == ["narva", "suwalki_gap"]
    assert baltic.theatres == ("baltic",)
    assert set(baltic.compare.focus) == set(baltic.structures) - {baltic.reference}


def test_it_reads_no_file_of_the_asian_studies(baltic: Study) -> None:
    assert all(file.startswith("baltic") for file in baltic.text)
    assert not any(ASIA.search(name) for name in (*baltic.actors, *baltic.structures))


def test_every_number_is_drawn_and_says_where_it_is_from(baltic: Study) -> None:
    of_sides = re.compile(r"members\.(estonia|lithuania)\.bindingness$")  # read by nothing
    assert {name for name in unlisted(baltic) if not of_sides.search(name)} == set()
    own = list(parts_of(baltic, InlinePrior))
    assert len(own) > 60
    assert all(quantity.source for quantity in own)
    assert {quantity.mark for quantity in own} == {"judgement", "computed"}


def test_disputes_and_wars_are_of_a_possible_size(ds: xr.Dataset) -> None:
    often = ds.disputes_per_year.mean(("decision_rule", "draw"))
    assert bool(((often > 0.05) & (often < 0.5)).all())
    war = ds.p_war.mean(("decision_rule", "draw"))
    assert bool(((war > 0) & (war < 0.5)).all())
    assert bool((ds.p_great_power_war <= ds.p_war).all())


def test_a_united_states_that_holds_back_fights_less_often(ds: xr.Dataset) -> None:
    """Of the wars that there are; whether there are more of them is for the model to say."""
    share = events(ds, "p_great_power_war") / events(ds, "p_war")
    held = {name: float(share.sel(structure=name)) for name in ds.structure.values}
    assert held["us_retrenchment"] < held["nato_today"] - 0.1
