"""The shipped configurations, and what a user can do to a study by editing YAML alone."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from escalation.errors import InputError, StudyError, StudyWarning
from escalation.parameters.priors import Fixed, Gamma, LogNormal, TruncatedNormal
from escalation.parameters.registry import REGISTRY
from escalation.study import (
    Study,
    load_study,
    parse_study,
    study_from_text,
)
from escalation.study.diff import diff
from escalation.study.quantity import Figure, InlinePrior

CONFIGS = Path(__file__).parent.parent / "configs"

BINDINGNESS = {  # Taiwan, South China Sea
    "us_retrenchment": {
        "united_states": (0.05, 0.30), "japan": (0.05, 0.05), "australia": (0, 0.05),
    },
    "hub_and_spoke": {
        "united_states": (0.40, 0.70), "japan": (0.20, 0.15), "south_korea": (0.05, 0),
        "philippines": (0.10, 0), "australia": (0.10, 0.15), "thailand": (0, 0.05),
    },
    "minilateral_lattice": {
        "united_states": (0.45, 0.75), "japan": (0.35, 0.40), "south_korea": (0.10, 0.05),
        "philippines": (0.20, 0), "australia": (0.30, 0.40), "india": (0.05, 0.10),
        "thailand": (0, 0.05),
    },
    "asian_nato": {
        "united_states": (0.90, 0.90), "japan": (0.85, 0.85), "south_korea": (0.75, 0.75),
        "philippines": (0.75, 0.75), "australia": (0.85, 0.85), "thailand": (0.20, 0.20),
    },
    "asian_nato_with_india": {
        "united_states": (0.90, 0.90), "japan": (0.85, 0.85), "south_korea": (0.75, 0.75),
        "philippines": (0.75, 0.75), "australia": (0.85, 0.85), "thailand": (0.20, 0.20),
        "india": (0.60, 0.50),
    },
}  # fmt: skip
ENCIRCLEMENT = {
    "us_retrenchment": 0.10, "hub_and_spoke": 0.35, "hub_and_quad": 0.40, "trilateral": 0.45,
    "minilateral_lattice": 0.50, "asian_nato": 0.85, "asian_nato_with_india": 0.95,
    "asian_nato_nuclear_sharing": 0.95,
}  # fmt: skip

@pytest.fixture(scope="module")
def study() -> Study:
    return load_study(CONFIGS / "asian_nato.yaml")


def bindingness(study: Study, structure: str, actor: str, theatre: str) -> float:
    chosen, values = study.structures[structure], study.defaults()
    levels = [chosen.commitment(actor, theatre).at(values)]
    levels += [
        pact.members[actor].in_theatre(theatre).at(values)
        for pact in chosen.pacts if actor in pact.members
    ]
    return max(levels)


@pytest.mark.parametrize("structure", BINDINGNESS)
def test_bindingness_of_every_actor(study: Study, structure: str) -> None:
    expected = BINDINGNESS[structure]
    for actor in study.actors:
        found = tuple(
            bindingness(study, structure, actor, theatre)
            for theatre in ("taiwan", "south_china_sea")
        )
        assert found == expected.get(actor, (0, 0)), actor


def test_encirclement_and_delay(study: Study) -> None:
    values = study.defaults()
    levels = {name: s.encirclement_at(values) for name, s in study.structures.items()}
    assert levels == ENCIRCLEMENT


def test_no_structure_decides_more_quickly_by_construction(study: Study) -> None:
    """Every structure that speaks of it, and every pact, draws its own delay from one prior."""
    delays = {
        delay.name: delay.prior
        for structure in study.structures.values()
        for delay in (structure.decision_delay_days,
                      *(pact.decision_delay_days for pact in structure.pacts))
    }
    assert set(delays) == {
        f"{owner}.decision_delay_days" for owner in (
            "hub_and_spoke", "us_retrenchment", "quad", "trilateral", "aukus",
            "us_japan_philippines", "asian_nato", "asian_nato_with_india",
        )
    }
    assert len(set(delays.values())) == 1


def test_what_the_shipped_study_holds(study: Study) -> None:
    assert (len(study.actors), len(study.flashpoints), len(study.structures)) == (11, 5, 8)
    assert (study.plan.trajectories, study.plan.draws, study.plan.seed) == (500, 512, 2026)
    retrenchment = study.structures["us_retrenchment"].actors["united_states"]
    assert retrenchment.staunch_logit.at(study.defaults()) == -1.5
    assert retrenchment.stake_scale.at(study.defaults()) == 0.5
    assert study.actors["united_states"].staunch_logit.at(study.defaults()) == 0.4
    sharing = {s for s in study.structures for p in study.structures[s].pacts if p.nuclear_sharing}
    assert sharing == {"asian_nato_nuclear_sharing"}


def test_coverage_reaches_only_where_it_should(study: Study) -> None:
    pact, values = study.structures["asian_nato"].pacts[0], study.defaults()
    share = {n: pact.coverage("japan", f).at(values) for n, f in study.flashpoints.items()}
    assert share == {
        "taiwan_strait": 0.6, "taiwan_outlying_islands": 0.6, "second_thomas_shoal": 1,
        "scarborough_shoal": 1, "spratlys_vietnam": 0,
    }  # fmt: skip


def test_third_parties_of_every_flashpoint(study: Study) -> None:
    for point in study.flashpoints.values():
        sides = {point.challenger, point.defender}
        assert set(point.third_parties) == set(study.actors) - sides
    spratlys = study.flashpoints["spratlys_vietnam"]
    assert spratlys.commitment_scale.at({}) == 0
    assert spratlys.grey_zone_incidents.at(study.defaults()) == 1.5


def test_onset_rates_sum_to_the_observed_dyad_rates(study: Study) -> None:
    def rate(name: str) -> float:
        quantity = study.flashpoints[name].onset_rate
        assert isinstance(quantity, InlinePrior)
        assert isinstance(quantity.prior, Gamma)
        return quantity.prior.shape / quantity.prior.rate

    taiwan = rate("taiwan_strait") + rate("taiwan_outlying_islands")
    assert taiwan == pytest.approx(7 / 15, abs=0.04)
    philippines = rate("second_thomas_shoal") + rate("scarborough_shoal")
    assert philippines == pytest.approx(4 / 15, abs=0.04)


def test_every_actor_figure_names_its_source(study: Study) -> None:
    for actor in study.actors.values():
        for figure in (actor.alignment, *actor.trade_dependence.values()):
            assert isinstance(figure, Figure | InlinePrior), actor.name
            assert figure.source
            assert figure.mark in ("read", "computed", "judgement")


def test_inline_priors_join_the_registry_under_their_place(study: Study) -> None:
    entry = study.parameters["taiwan_strait.onset_rate"]
    assert (entry.default, entry.unit, entry.mark, entry.low) == (0.37, "1/year", "computed", 0)
    assert set(REGISTRY) < set(study.parameters)
    # What a flashpoint says for itself is not the parameter of the one that it extends.
    assert study.parameters["scarborough_shoal.onset_rate"].default == 0.12


def test_round_trips(study: Study) -> None:
    assert study_from_text(study.text) == study
    assert Study.model_validate_json(study.model_dump_json()) == study
    assert pickle.loads(pickle.dumps(study)) == study
    assert next(iter(study.text)) == "asian_nato.yaml"


def test_stored_text_does_not_reach_for_the_disk(study: Study) -> None:
    text = dict(study.text)
    del text["pacts/quad.yaml"]
    with pytest.raises(StudyError, match=r"no file 'pacts/quad\.yaml'"):
        study_from_text(text)


def test_loading_stays_light() -> None:
    code = (
        "import sys, time; from escalation.study import load_study; t = time.perf_counter();"
        f"load_study({str(CONFIGS / 'asian_nato.yaml')!r});"
        "print(time.perf_counter() - t);"
        "print([m for m in ('numba', 'scipy', 'xarray', 'matplotlib') if m in sys.modules])"
    )
    root = str(CONFIGS.parent)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root
    )
    seconds, heavy = done.stdout.split("\n")[:2]
    assert float(seconds) < 2
    assert heavy == "[]"


def test_diff_says_what_differs() -> None:
    folder = CONFIGS / "structures"
    lines = diff(folder / "asian_nato.yaml", folder / "asian_nato_with_india.yaml")
    assert lines == [
        "title: Asian NATO (Article 5), India declining -> Asian NATO with India",
        "pact.encirclement: 0.85 (0.74 to 0.92) -> 0.95 (0.9 to 0.97)",
        "pact.members.india.bindingness.south_china_sea: none -> 0.5 (0.38 to 0.62)",
        "pact.members.india.bindingness.taiwan: none -> 0.6 (0.48 to 0.71)",
        "pact.members.india.realised: none -> 1",
    ]
    assert diff(folder / "asian_nato.yaml", folder / "asian_nato.yaml") == []


def test_diff_by_name(study: Study) -> None:
    lines = diff("us_retrenchment", "hub_and_spoke", study)
    assert "commitments.united_states.taiwan: 0.05 (0.031 to 0.08) -> 0.4 (0.29 to 0.52)" in lines
    assert "actors.united_states.stake_scale: 0.5 (0.3 to 0.8) -> none" in lines
    assert "encirclement: 0.1 (0.052 to 0.18) -> 0.35 (0.21 to 0.52)" in lines
    with pytest.raises(InputError, match="did you mean 'asian_nato'"):
        diff("asian_nat", "hub_and_spoke", study)
    with pytest.raises(InputError, match="give its file"):
        diff("asian_nato", "hub_and_spoke")


EXTENSION = """\
name: mine
extends: {configs}/asian_nato.yaml
actors:
  - {configs}/actors.yaml
  - mars: {{title: Mars, alignment: 0, trade_dependence: {{china: 0.1}}}}
flashpoints:
  - {configs}/flashpoints/taiwan_strait.yaml
  - name: natuna
    title: <img onerror=alert(1) src=x>
    extends: {configs}/flashpoints/second_thomas_shoal.yaml
    onset_rate: 0.1
    third_parties: {{mars: {{power: 0.1, stake: 0.2}}, cambodia: null}}
structures:
  - {configs}/structures/hub_and_spoke.yaml
  - {configs}/structures/asian_nato.yaml
  - name: mine
    title: $\\undefined{{x}}$
    extends: asian_nato
    pact:
      members: {{mars: 0.5, japan: null}}
      decision_delay_days:
        {{prior: lognormal, median: 12, sigma: 0.5, source: ours, mark: judgement}}
compare: {{focus: [mine]}}
"""


def test_actor_flashpoint_and_structure_by_yaml_alone(tmp_path: Path) -> None:
    (tmp_path / "configs").symlink_to(CONFIGS)
    (tmp_path / "mine.yaml").write_text(EXTENSION.format(configs="configs"))
    mine = load_study(tmp_path / "mine.yaml")
    assert list(mine.actors)[-1] == "mars"
    assert list(mine.flashpoints) == ["taiwan_strait", "natuna"]
    assert list(mine.flashpoints["natuna"].third_parties)[-1] == "mars"
    assert "cambodia" not in mine.flashpoints["natuna"].third_parties
    assert mine.flashpoints["natuna"].title == "<img onerror=alert(1) src=x>"
    assert mine.structures["mine"].title == "$\\undefined{x}$"
    members = mine.structures["mine"].pacts[0].members
    assert set(members) == {"united_states", "south_korea", "philippines", "australia", "mars"}
    assert mine.parameters["mine.decision_delay_days"].default == 12
    # What it extends has not changed.
    assert "japan" in mine.structures["asian_nato"].pacts[0].members


MINIMAL = {
    "name": "tiny",
    "great_power": "a",
    "reference": "alone",
    "actors": {name: {"alignment": 0, "trade_dependence": {}} for name in ("a", "b", "c")},
    "flashpoints": [{
        "name": "islet", "theatre": "sea", "challenger": "b", "defender": "c",
        "challenger_stake": 1, "defender_stake": 2, "defender_power": 0.2, "onset_rate": 0.3,
        "third_parties": {"a": {"power": 0.5, "stake": 0.5}},
    }],
    "structures": [
        {"name": "alone", "decision_delay_days": 7, "commitments": {"a": {"sea": 0.4}}},
        {"name": "bound", "extends": "alone", "pact": {
            "members": ["a"], "bindingness": {"sea": 0.9}, "decision_delay_days": 3,
        }},
    ],
}  # fmt: skip


@pytest.mark.parametrize("content", [MINIMAL, json.dumps(MINIMAL)], ids=["mapping", "text"])
def test_a_study_without_any_file(content) -> None:
    study = parse_study(content)
    assert study.structures["bound"].pacts[0].members["a"].in_theatre("sea").at({}) == 0.9
    assert study.structures["bound"].pacts[0].name == "bound"
    assert study_from_text(study.text) == study
    assert len(study.sha256) == 64


def test_a_mapping_may_name_files() -> None:
    study = parse_study({"name": "mine", "extends": "asian_nato.yaml", "horizon_years": 3}, CONFIGS)
    assert study.horizon_years == 3
    assert len(study.structures) == 8
    assert study_from_text(study.text) == study


def test_text_of_a_mapping_reads_back() -> None:
    study = parse_study(MINIMAL | {
        "title": "\U0001f30f 'quoted' \"twice\": #not a comment \\",
        "parameters": {"alignment_drift": 1e-05, "exit_rate": 0.01},
    })
    assert study_from_text(study.text) == study
    assert study.parameters["alignment_drift"].default == 1e-05


@pytest.mark.parametrize("seed", [0, 1, 2**64 - 1])
def test_every_64_bit_seed_is_valid(seed: int) -> None:
    assert parse_study(MINIMAL | {"plan": {"seed": seed}}).plan.seed == seed
    assert parse_study(MINIMAL).with_plan(seed=seed).plan.seed == seed


def test_plan_can_be_replaced_within_limits() -> None:
    study = parse_study(MINIMAL)
    assert study.with_plan(trajectories=5, draws=2).plan.trajectories == 5
    for wrong in ({"trajectories": 0}, {"trajectories": 2**63}, {"draws": 65_537},
                  {"seed": -1}, {"seed": 2**64}, {"draws": True}, {"draws": 2.0}):  # fmt: skip
        with pytest.raises(InputError, match="out of range"):
            study.with_plan(**wrong)


def with_pact(**changes) -> Study:
    alone, bound = MINIMAL["structures"]
    pact = {**bound["pact"], **changes}
    return parse_study(MINIMAL | {"structures": [alone | {"encirclement": 0.3},
                                                 bound | {"pact": pact}]})


def test_a_pact_is_not_hidden_by_the_inherited_encirclement() -> None:
    assert with_pact(encirclement=0.8).structures["bound"].encirclement_at({}) == 0.8
    assert with_pact(encirclement=0.1).structures["bound"].encirclement_at({}) == 0.3
    assert with_pact().structures["bound"].encirclement_at({}) == 0.3


def test_a_quantity_stays_within_its_place() -> None:
    study = with_pact(covers={"islet": {"parameter": "patron_realisation", "scale": 3}})
    pact = study.structures["bound"].pacts[0]
    share = pact.coverage(next(iter(pact.members)), study.flashpoints["islet"])
    assert share.at({"patron_realisation": 0.1}) == pytest.approx(0.3)
    assert share.at({"patron_realisation": 0.9}) == 1.0


def test_overrides() -> None:
    with pytest.warns(StudyWarning, match="no structure or flashpoint names it"):
        study = parse_study(MINIMAL | {"parameters": {
            "coverage_nonmember": 0.5,
            "patron_realisation": {"default": 0.7},
            "choice_precision": {"prior": "lognormal", "median": 4, "sigma": 0.2},
        }})  # fmt: skip
    assert study.parameters["coverage_nonmember"].prior == Fixed()
    assert study.parameters["coverage_nonmember"].default == 0.5
    assert study.parameters["patron_realisation"].prior == REGISTRY["patron_realisation"].prior
    assert study.parameters["patron_realisation"].default == 0.7
    assert study.parameters["choice_precision"].default == 4
    assert study.parameters["choice_precision"].mark == "judgement"


@pytest.mark.parametrize(
    ("prior", "expected"),
    [
        (LogNormal(median=2, sigma=1), 2.0),
        (Gamma(shape=1, rate=2), 0.34657359027997264),
        (Gamma(shape=5.5, rate=15), 0.3446999358130609),
        (TruncatedNormal(mean=0, sd=1), 0.6744897501960817),
        (TruncatedNormal(mean=-3, sd=1), 0.20515492059893337),
    ],
)
def test_medians(prior, expected: float) -> None:
    assert prior.middle() == pytest.approx(expected, rel=1e-9)
