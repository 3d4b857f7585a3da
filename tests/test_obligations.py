"""What a pact asks of whom: outsiders, and members that have left."""

from __future__ import annotations

import warnings
from typing import Any

import cells
import numpy as np
import pytest

from escalation.contracts.tables import EXITED, IN_PACT, ONE16
from escalation.errors import StudyWarning
from escalation.model.alliance import obligations
from escalation.study import Study
from escalation.study.loader import parse_study

SHOAL, STRAIT, PACT = "second_thomas_shoal", "taiwan_strait", "asian_nato"


def with_pact(pact: dict[str, Any]) -> Study:
    """Return a study in which Japan and Australia have a pact of the given words."""
    structure = {
        "name": "pact", "extends": "structures/hub_and_spoke.yaml",
        "pact": {"decision_delay_days": 10, "encirclement": 0.35, **pact},
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StudyWarning)  # that it leaves somebody out is told
        return parse_study(
            {"name": "s", "extends": "asian_nato.yaml", "compare": {"focus": ["pact"], "sweep": []},
             "structures": ["structures/hub_and_spoke.yaml", structure]},
            cells.CONFIGS,
        )


def binds(study: Study, place: str) -> dict[str, bool]:
    """Return whether the pact adds to what binds each third party."""
    flashpoint = study.flashpoints[place]
    found = obligations(study.structures["pact"], flashpoint, cells.default_draws(study.parameters))
    more = found.bound[0] > found.bilateral[0]
    return dict(zip(flashpoint.third_parties, more.tolist(), strict=True))


EVERYWHERE: dict[str, Any] = {"members": {"japan": 0.8, "australia": 0.8}}
WITH_DEFENDER: dict[str, Any] = {"members": {"japan": 0.8, "australia": 0.8, "philippines": 0.8}}


@pytest.mark.parametrize(
    ("pact", "place", "reached"),
    [
        (EVERYWHERE, SHOAL, set()),
        (EVERYWHERE, STRAIT, set()),
        (WITH_DEFENDER, SHOAL, {"japan", "australia"}),
        (WITH_DEFENDER, STRAIT, set()),
        ({**EVERYWHERE, "covers": {SHOAL: 0.5}}, SHOAL, {"japan", "australia"}),
        ({**EVERYWHERE, "covers": {"south_china_sea": 0.5}}, SHOAL, {"japan", "australia"}),
        ({**WITH_DEFENDER, "covers": {SHOAL: 0}}, SHOAL, set()),
        ({"members": {"japan": 0.8,
                      "australia": {"bindingness": {"south_china_sea": 0.8, "taiwan": 0}}}},
         SHOAL, {"australia"}),
    ],
)
def test_a_pact_reaches_its_members_and_whom_it_names(
    pact: dict[str, Any], place: str, reached: set[str]
) -> None:
    """It reaches a defender who is a member, or whose place its words name, and nobody else."""
    bound = binds(with_pact(pact), place)
    assert {name for name, more in bound.items() if more} == reached


def test_a_member_that_left_decides_as_those_outside() -> None:
    """In the pact at the pact's delay, after leaving it at the structure's own."""
    study = cells.shipped_study()
    parties = list(study.flashpoints[SHOAL].third_parties)
    resolve = cells.compiled(SHOAL, PACT, cells.defaults(**{cells.PACT_DELAY: 50.0})).resolve[0]
    reference = cells.compiled(SHOAL, "hub_and_spoke").resolve[0]
    assert np.array_equal(resolve[EXITED], reference[IN_PACT])
    days, japan = 10.0, parties.index("japan")
    veto = study.actors["japan"].domestic_veto.at(study.defaults())
    expected = -np.expm1(-days / (50.0 * (1.0 + veto))) * ONE16
    assert resolve[IN_PACT, 1, japan] == pytest.approx(expected, abs=1.0)
    outside = [k for k, name in enumerate(parties) if name in ("vietnam", "cambodia", "india")]
    assert np.array_equal(resolve[IN_PACT][:, outside], reference[IN_PACT][:, outside])


def test_a_pact_that_never_decides_binds_until_it_is_left() -> None:
    """Members fight only after they have left a pact whose council never comes to a decision."""
    stays = {"exit_rate": 0.0}
    goes = {"exit_rate": 5.0, "exit_stake": 0.0}
    fought = {}
    for name, values in (("stays", stays), ("goes", goes)):
        draws = cells.defaults(**values, turnover=0.0)
        study = cells.shipped_study()
        pact = study.structures[PACT].pacts[0]
        slow = pact.model_copy(update={"decision_delay_days": 1e15})
        structure = study.structures[PACT].model_copy(update={"pacts": (slow,)})
        tables = cells.compiled(SHOAL, structure, draws)
        tables = tables._replace(onset=np.full_like(tables.onset, 1 << 24))
        party = cells.count(tables, 4_000).party[0]
        members = [k for k, p in enumerate(study.flashpoints[SHOAL].third_parties)
                   if p in pact.members]
        fought[name] = int(party[:2, members].sum())  # supported or fought
    assert fought["stays"] == 0
    assert fought["goes"] > 100


# What leads, what further pacts do, and the common scale of binding.

TIES: dict[str, Any] = {
    "name": "ties", "extends": "structures/hub_and_spoke.yaml", "encirclement": 0.35,
    "decision_delay_days": 20,
    "commitments": {"japan": {"taiwan": 0.3}, "australia": {"taiwan": 0.6},
                    "south_korea": {"taiwan": 0}},
    "pacts": [
        {"name": "one", "decision_delay_days": 4, "covers": {"taiwan": 0.5}, "members": {
            "japan": {"bindingness": {"taiwan": 0.8}, "realised": 0.5},
            "australia": {"bindingness": {"taiwan": 0.4}}}},
        {"name": "two", "decision_delay_days": 9, "members": {
            "japan": {"bindingness": {"taiwan": 0.6}},
            "south_korea": {"bindingness": {"taiwan": 0.2}}}},
    ],
}  # fmt: skip


def tied(party: str, **values: float) -> tuple[float, float, float]:
    """Return bindingness in and out of the pacts, and days to a decision, of one party."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StudyWarning)
        study = parse_study(
            {"name": "s", "extends": "asian_nato.yaml", "compare": {"focus": ["ties"], "sweep": []},
             "structures": ["structures/hub_and_spoke.yaml", TIES]},
            cells.CONFIGS,
        )
    draws = cells.pinned(cells.default_draws(study.parameters), **values)
    flashpoint = study.flashpoints[STRAIT]
    found = obligations(study.structures["ties"], flashpoint, draws)
    k = list(flashpoint.third_parties).index(party)
    return found.bound[0, k], found.bilateral[0, k], found.delay_days[0, 0, k]


def odds(share: float) -> float:
    return share / (1 - share)


def test_the_obligation_that_binds_most_leads_and_sets_the_speed() -> None:
    # Japan: 0.3 alone, 0.3 + 0.25 x 0.5 by the first pact, 0.6 by the second.
    assert tied("japan") == pytest.approx((0.6, 0.3, 9))
    # A pact that binds Australia less than its own commitment changes nothing for it.
    assert tied("australia") == pytest.approx((0.6, 0.6, 20))
    assert tied("south_korea") == pytest.approx((0.2, 0.0, 9))


def test_a_further_pact_may_loosen_or_tighten_and_slow_or_hasten() -> None:
    for sign in (-1, 1):
        bound, alone, days = tied("japan", pact_dilution=0.4 * sign, pact_coordination=0.3 * sign)
        assert odds(bound) == pytest.approx(odds(0.6) * np.exp(-0.4 * sign))
        assert (alone, days) == pytest.approx((0.3, 9 * np.exp(0.3 * sign)))
        for once in ("australia", "south_korea"):  # nothing is further than the first
            assert tied(once, pact_dilution=0.4, pact_coordination=0.3) == tied(once)


def test_the_common_scale_moves_all_texts_but_those_that_bind_nobody() -> None:
    bound, alone, _ = tied("japan", binding_shift=0.7)
    assert odds(alone) == pytest.approx(odds(0.3) * np.exp(0.7))
    assert odds(bound) == pytest.approx(odds(0.6) * np.exp(0.7))
    assert tied("south_korea", binding_shift=0.7)[1] == 0.0
    assert tied("japan", delay_scale=2.0)[2] == pytest.approx(18)
