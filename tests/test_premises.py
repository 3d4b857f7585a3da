"""Premises: rival beliefs, run beside the study or reached by weighting its draws."""

from __future__ import annotations

import itertools
import json
import warnings
from pathlib import Path
from typing import Any

import cells
import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner

import escalation
from escalation.analysis.comparison import plausible_values
from escalation.analysis.premises import premises, weighted
from escalation.analysis.reweighting import effective, weights
from escalation.cli.app import main
from escalation.errors import InputError, ResultsError, StudyError, StudyWarning
from escalation.report.beliefs_table import (
    beliefs_on_war,
    format_premises,
    history_words,
    premises_words,
)
from escalation.report.text import of_100
from escalation.results import open_results, save_results
from escalation.results.companion import Belief, beliefs, under
from escalation.results.estimates import panel
from escalation.results.quantities import RISKS
from escalation.results.under_rule import upgraded
from escalation.study.loader import load_study, parse_study
from escalation.study.schema import Study

STRAIT = "flashpoints/taiwan_strait.yaml"
ALL = [f"structures/{n}.yaml" for n in (
    "us_retrenchment", "hub_and_spoke", "hub_and_quad", "trilateral", "minilateral_lattice",
    "asian_nato", "asian_nato_with_india", "asian_nato_nuclear_sharing")]  # fmt: skip
MILD = {
    "name": "mild", "source": "made up",
    "parameters": {"provocation_onset": {"prior": "normal", "mean": 0.2, "sd": 0.35},
                   "asian_nato.decision_delay_days": {"median": 9, "range": [4, 19]}},
}  # fmt: skip
FAR = {
    "name": "far", "source": "made up",
    "parameters": {name: {"prior": "normal", "mean": 0.6, "sd": 0.1}
                   for name in ("provocation_onset", "provocation_stake")},
}  # fmt: skip


BEYOND = {
    "name": "beyond", "source": "made up",
    "parameters": {name: {"prior": "normal", "mean": 1.0, "sd": 0.1}
                   for name in ("provocation_onset", "provocation_stake")},
}  # fmt: skip


def words(**changes: Any) -> dict[str, Any]:
    return {
        "name": "s", "extends": "asian_nato.yaml", "flashpoints": [STRAIT],
        "decision_rules": ["expected_utility"], "compare": {"focus": ["asian_nato"]},
        "premise": "mine", **changes,
    }  # fmt: skip


def study_of(*own: dict[str, Any], **changes: Any) -> Study:
    changes = {"structures": [ALL[1], ALL[5]], **changes}
    return parse_study(words(premises=list(own), **changes), cells.CONFIGS)


@pytest.fixture(scope="module")
def study() -> Study:
    return study_of(MILD, FAR)


@pytest.fixture(scope="module")
def ds(study: Study) -> xr.Dataset:
    return escalation.run(study, draws=256, trajectories=250, seed=5)


# ---------------------------------------------------------------- words


def test_the_shipped_premises() -> None:
    study = cells.shipped_study()
    assert study.premise == "neutral"
    assert list(study.premises) == ["pacts_provoke", "pacts_deter", "experts_are_right"]
    for premise in study.premises.values():
        assert premise.parameters
        assert premise.source
        assert premise.description
    provoke, deter = (study.premises[n].parameters for n in ("pacts_provoke", "pacts_deter"))
    for name in ("provocation_stake", "provocation_onset", "asian_nato.decision_delay_days"):
        own = study.parameters[name].default
        assert deter[name].default < own < provoke[name].default, name


def test_the_neutral_premise_is_what_the_study_says_itself() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        study = load_study(cells.CONFIGS / "asian_nato.yaml")
        text = (cells.CONFIGS / "premises" / "neutral.yaml").read_text(encoding="utf-8")
        both = parse_study(words(premises=["premises/neutral.yaml"]), cells.CONFIGS)
    assert "\nname: neutral\n" in text
    for name, entry in both.premises["neutral"].parameters.items():
        assert (entry.prior, entry.default) == (
            study.parameters[name].prior, study.parameters[name].default,
        ), name  # fmt: skip


@pytest.mark.parametrize(("premise", "said"), [
    ({**MILD, "parameters": {"hope": 1}}, "unknown parameter 'hope'"),
    ({**MILD, "parameters": {"reliability": {"median": 0.5, "range": [-1, 2]}}}, "inside the b"),
    ({**MILD, "extra": 1}, "unknown key 'extra'"),
    ({"name": "mild", "parameters": {"provocation_onset": 1}}, "missing key 'source'"),
    ({"source": "made up", "parameters": {}}, "missing key 'name'"),
])  # fmt: skip
def test_a_premise_that_cannot_be_is_refused(premise: dict[str, Any], said: str) -> None:
    with pytest.raises(StudyError, match=said):
        study_of(premise)


@pytest.mark.parametrize(("premise", "said"), [
    ({"name": "mild", "source": "made up"}, "says nothing of any parameter"),
    ({**MILD, "parameters": {"dispute_stake": 1}}, "only fits to history read it"),
    ({**MILD, "parameters": {"quad.encirclement": 0.5, "provocation_onset": 0}},
     "no parameter 'quad.encirclement'"),
])  # fmt: skip
def test_a_premise_in_vain_is_told(premise: dict[str, Any], said: str) -> None:
    with pytest.warns(StudyWarning, match=said):
        study_of(premise)
    with pytest.warns(StudyWarning, match="no structure to compare"):
        study_of(MILD, compare={"focus": []})


def test_an_inherited_premise_may_speak_of_what_is_not_here() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        study = parse_study(words(structures=[ALL[1], ALL[3]], compare={"focus": ["trilateral"]}),
                            cells.CONFIGS)  # fmt: skip
    assert "asian_nato.decision_delay_days" not in study.premises["pacts_provoke"].parameters
    assert "provocation_onset" in study.premises["pacts_provoke"].parameters


# ---------------------------------------------------------------- results


def test_a_companion_is_the_run_of_the_study_under_its_premise(study: Study) -> None:
    size = {"draws": 4, "trajectories": 60, "seed": 2}
    whole = escalation.run(study, **size)
    labels = [("mine", "prior"), *itertools.product(("mild", "far"), ("posterior", "prior"))]
    assert beliefs(whole) == [Belief("mine", "posterior"), *(Belief(*pair) for pair in labels)]
    for premise, source in labels:
        there = study.under(premise).model_copy(update={"premises": {}})
        alone = escalation.run(there, source=None if source == "posterior" else "prior", **size)
        found = under(whole, Belief(premise, source))
        for name in ("first_event_count", "crisis_count", "replicate_count"):
            wanted = alone[name].isel(decision_rule=0).sel(structure=found["structure"].values)
            assert np.array_equal(found[name], wanted), (premise, source, name)
    with pytest.raises(InputError, match="no results under 'hope' from the prior"):
        under(whole, Belief("hope", "prior"))


def test_results_of_format_4_keep_their_companion(ds: xr.Dataset) -> None:
    names = {str(n): str(n).replace("companion_", "prior_") for n in ds.variables
             if str(n).startswith("companion_")}
    lacks = ["companion_premise", "companion_source", "companion_replicate_count", "companion"]
    old = ds.isel(companion=0).drop_vars(lacks)
    old = old.rename({k: v for k, v in names.items() if k in old.variables})
    old.attrs |= {"format_version": 4, "prior_trajectories": ds.attrs["companion_trajectories"]}
    for name in ("premise", "companion_trajectories"):
        del old.attrs[name]
    new = upgraded(old)
    found = under(new, Belief("own", "prior"))
    assert np.array_equal(
        found["crisis_count"], under(ds, Belief("mine", "prior"))["crisis_count"]
    )


def test_the_table_says_what_premises_say(ds: xr.Dataset, tmp_path) -> None:
    back = open_results(save_results(ds, tmp_path / "r.nc"))
    found = premises(back, "war").sel(risk="war", flashpoint="taiwan_strait")
    p = found["p_safer"].sel(structure="asian_nato").values
    assert p[found["premise"].values == "far"].max() < p[0]
    text = format_premises(back)
    for premise in ("mine", "mild", "far"):
        own = found.isel(belief=found["premise"].values == premise)
        after, before = own["p_safer"].sel(structure="asian_nato").values
        lines = text.split("\n")
        here = next(k for k, line in enumerate(lines) if line.split()[:1] == [premise])
        assert lines[here].split()[1] == f"{after:.2f}".lstrip("0")
        assert lines[here + 1].split()[:3] == ["priors", "alone", f"{before:.2f}".lstrip("0")]
    assert max(map(len, text.split("\n"))) <= 100
    held = beliefs_on_war(back, "taiwan_strait")
    by_name = dict(zip(found["premise"].values.tolist()[::2], p[::2], strict=True))
    assert f"{of_100(by_name['mild'])} if mild" in premises_words(held)
    assert f"({of_100(p[1])} without it)" in history_words(held)


# ---------------------------------------------------------------- weighting


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[xr.Dataset, Path]:
    """Results of a study read from files, and a folder with premises."""
    folder = tmp_path_factory.mktemp("kept")
    (folder / "configs").symlink_to(cells.CONFIGS)
    for premise in (MILD, BEYOND):
        (folder / f"{premise['name']}.yaml").write_text(json.dumps(premise))
    (folder / "study.yaml").write_text(json.dumps(words(
        extends="configs/asian_nato.yaml", premises=["mild.yaml"],
        flashpoints=[f"configs/{STRAIT}"], structures=[f"configs/{ALL[k]}" for k in (1, 5)],
    )))  # fmt: skip
    study = load_study(folder / "study.yaml")
    return escalation.run(study, draws=256, trajectories=250, seed=5), folder


def test_weighted_draws_say_what_played_ones_say(kept: tuple[xr.Dataset, Path]) -> None:
    """P(safer) within three standard errors.

    Negative control: without weights the answer lies elsewhere.
    """
    ds, folder = kept
    found = weighted(ds, folder / "mild.yaml", "war").sel(
        flashpoint="taiwan_strait", risk="war", structure="asian_nato"
    )
    assert 64 < found.attrs["effective"] < 250
    held = premises(ds, "war").sel(risk="war", flashpoint="taiwan_strait", structure="asian_nato")
    played = float(held["p_safer"].values[held["premise"].values == "mild"][0])
    assert abs(float(found["p_safer"]) - played) < 3 * float(found["p_safer_error"])
    assert float(found["p_safer_own"]) == pytest.approx(float(held["p_safer"].values[0]), abs=0.02)
    assert abs(float(found["p_safer_own"]) - played) > 0.05


def test_weights_add_up_and_lean_to_where_the_premise_is(study: Study, ds: xr.Dataset) -> None:
    weight = weights(ds, study.parameters, study.premises["mild"].parameters)
    assert weight.sum() == pytest.approx(1)
    assert 64 < effective(weight) < 250
    for name, less in (("provocation_onset", 0.0), ("asian_nato.decision_delay_days", 7.0)):
        values = ds["parameter_value"].sel(parameter=name).values
        assert weight @ values > values.mean() > less - 0.01, name


def test_what_no_draw_can_be_weighted_for_is_refused(
    study: Study, ds: xr.Dataset, kept: tuple[xr.Dataset, Path]
) -> None:
    there, folder = kept
    with pytest.raises(InputError, match=r"are worth .* run the study with this premise"):
        weighted(there, folder / "beyond.yaml")
    with pytest.raises(InputError, match=r"cannot read .*No such file"):
        weighted(there, folder / "hope.yaml")
    (folder / "odd.yaml").write_text("name: odd\nsource: x\nparameters: {hope: 1}\n")
    with pytest.raises(StudyError, match="unknown parameter 'hope'"):
        weighted(there, folder / "odd.yaml")
    (folder / "idle.yaml").write_text("name: idle\nsource: x\nparameters: {dispute_stake: 1}\n")
    with pytest.warns(StudyWarning, match="only fits to history read it"), \
            pytest.raises(InputError, match="is fixed"):
        weighted(there, folder / "idle.yaml")
    (folder / "void.yaml").write_text("name: void\nsource: x\n")
    with pytest.warns(StudyWarning, match="says nothing"), \
            pytest.raises(InputError, match="says nothing of any parameter"):
        weighted(there, folder / "void.yaml")
    fitted = {"choice_precision": study.parameters["choice_precision"]}
    with pytest.raises(InputError, match="taken from the posterior"):
        weights(ds, study.parameters, fitted)
    with pytest.raises(ResultsError, match="the study was built in Python"):
        weighted(ds, folder / "mild.yaml")


def test_the_command(kept: tuple[xr.Dataset, Path]) -> None:
    ds, folder = kept
    path = str(escalation.save_results(ds, folder / "r.nc"))
    held = CliRunner().invoke(main, ["premises", path])
    assert held.exit_code == 0, held.output
    assert "\nmild " in held.output
    also = CliRunner().invoke(main, ["premises", path, "--also", str(folder / "mild.yaml")])
    assert also.exit_code == 0, also.output
    assert "worth" in also.output
    for answer in (held, also):
        assert max(map(len, answer.output.split("\n"))) <= 100


# ------------------------------------------- nobody wins by construction


def shares_below(ds: xr.Dataset, on: str) -> dict[tuple[str, str], float]:
    """Return in which share of draws, chance removed, the first of a pair has less of a risk."""
    found = panel(ds, RISKS[on], "taiwan_strait")
    values = plausible_values(found)
    return {
        (found.structures[a], found.structures[b]): float((values[a] < values[b]).mean())
        for a, b in itertools.combinations(range(len(found.structures)), 2)
    }


def test_every_pair_of_structures_can_go_either_way() -> None:
    """With provocation off, at least 5 % of draws each way; but for retrenchment (MODEL.md)."""
    study = study_of(structures=ALL)
    off = {"provocation_stake": 0.0, "provocation_onset": 0.0}
    ds = escalation.run(study, draws=256, trajectories=400, seed=3, parameters=off)
    for on in ("war", "great_power_war"):
        for pair, share in shares_below(ds, on).items():
            if on == "war" and "us_retrenchment" in pair:
                assert share < 0.1, "the exception that MODEL.md explains"
            else:
                assert 0.05 <= share <= 0.95, (on, pair, share)


def test_a_copy_with_its_own_draw_of_the_delay_is_neither_safer_nor_riskier() -> None:
    """Negative control: one that decides at once."""
    twin = {"name": "twin", "extends": ALL[1], "decision_delay_days": {"median": 7,
            "range": [3, 16]}}  # fmt: skip
    quick = {"name": "quick", "extends": ALL[1], "decision_delay_days": {"median": 1,
             "range": [0.5, 2]}}  # fmt: skip
    study = study_of(structures=[ALL[1], twin, quick], compare={"focus": ["twin", "quick"]})
    ds = escalation.run(study, draws=256, trajectories=400, seed=4)
    found = escalation.compare(ds, "war,great_power_war,concession").isel(decision_rule=0)
    assert not np.isin(found["verdict"].sel(structure="twin"), ["safer", "riskier"]).any()
    assert "safer" in found["verdict"].sel(structure="quick", risk="war").values
