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
    resolve = cells.compiled(SHOAL, PACT, cells.defaults(pact_delay_days=50.0)).resolve[0]
    reference = cells.compiled(SHOAL, "hub_and_spoke").resolve[0]
    assert np.array_equal(resolve[EXITED], reference[IN_PACT])
    days, japan = 10.0, parties.index("japan")
    veto = study.actors["japan"].domestic_veto.at({})
    expected = -np.expm1(-days / (50.0 * (1.0 + veto))) * ONE16
    assert resolve[IN_PACT, 1, japan] == pytest.approx(expected, abs=1.0)
    outside = [k for k, name in enumerate(parties) if name in ("vietnam", "cambodia", "india")]
    assert np.array_equal(resolve[IN_PACT][:, outside], reference[IN_PACT][:, outside])


def test_a_pact_that_never_decides_binds_until_it_is_left() -> None:
    """Members fight only after they have left a pact whose council never comes to a decision."""
    stays = {"pact_delay_days": 1e15, "exit_rate": 0.0}
    goes = {"pact_delay_days": 1e15, "exit_rate": 5.0, "exit_stake": 0.0}
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
