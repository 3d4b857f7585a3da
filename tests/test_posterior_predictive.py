"""The shipped posterior produces the facts that it should.

Onset rates of the China dyads are played with the kernel, 5 to 95 % over 64 draws. The other
facts need the record's tables and are skipped without them: 90 % posterior predictive intervals
over 120 draws. The priors serve as negative control.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cells
import numpy as np
import pytest
from claim_tools import HUB
from test_base_rates import HISTORIES, ONSETS, SEED, faster, inside

from escalation.archive.crisis_table import read_crises
from escalation.archive.dispute_table import read_disputes
from escalation.history.predict import record_draws
from escalation.history.predictive_checks import Checks, record_checks
from escalation.history.validation import DIRECT, validate
from escalation.parameters.posterior import coverage, shipped_posterior
from escalation.parameters.registry import REGISTRY
from escalation.simulation.parameter_source import parameter_draws
from escalation.simulation.threads import simulate_block

DRAWS = 64
HISTORY = Path(__file__).resolve().parents[2] / "shared" / "data" / "history"
DISPUTES = HISTORY / "mid_disputes_training.csv"
CRISES = HISTORY / "icb_crises_training.csv"
needs_record = pytest.mark.skipif(not DISPUTES.exists(), reason="the record is not here")


def test_the_posterior_speaks_for_the_registry_as_it_stands() -> None:
    posterior = shipped_posterior()
    assert posterior is not None
    found = coverage(REGISTRY, posterior)
    assert set(found.covered) == set(posterior.names)
    assert found.overridden == ()


@cache
def disputes_per_year(flashpoint: str, factor: float = 1.0) -> np.ndarray:
    """Return disputes per calendar year in each draw, under the structure of today."""
    study = cells.shipped_study()
    draws = parameter_draws(study, DRAWS, SEED, shipped_posterior())
    tables = faster(cells.compiled(flashpoint, HUB, draws), factor)
    tallies = simulate_block(tables, SEED, np.arange(DRAWS), 0, HISTORIES)
    return tallies.crisis.sum(axis=(1, 2, 3, 4)) / (HISTORIES * study.horizon_years)


@pytest.mark.parametrize("flashpoints", ONSETS, ids="+".join)
def test_disputes_start_as_often_as_observed(flashpoints: tuple[str, ...]) -> None:
    observed = ONSETS[flashpoints].value
    assert inside(observed, sum(disputes_per_year(f) for f in flashpoints))
    assert not inside(observed, sum(disputes_per_year(f, 3.0) for f in flashpoints))


@cache
def checks(prior: bool) -> Checks:
    """Check 120 draws of the posterior, or of the priors, against the record."""
    draws = record_draws(prior, 120)
    return record_checks(read_disputes(DISPUTES), read_crises(CRISES), draws)


@needs_record
def test_rates_of_the_record_lie_in_their_predictive_intervals() -> None:
    facts = {check.name: check for check in checks(prior=False).facts}
    for name in (
        "disputes that reach war",
        "disputes with force or war",
        "disputes answered",
        "disputes joined by a defender",
        "crises that are full-scale wars",
    ):
        assert facts[name].inside, facts[name]


@needs_record
def test_an_umbrella_cuts_the_top_of_the_ladder_off() -> None:
    facts = {check.name: check for check in checks(prior=False).facts}
    assert facts["odds ratio of war, umbrella, by logit"].middle <= 0.4
    assert facts["odds ratio of force, umbrella, by logit"].middle >= 0.85
    assert facts["ratio of onset, umbrella"].middle == pytest.approx(1.0, abs=0.15)


@needs_record
def test_group_rates_are_covered_and_those_of_the_priors_are_sharper_nowhere() -> None:
    assert checks(prior=False).share_covered >= 0.8
    wide = {check.name: check.high - check.low for check in checks(prior=True).facts}
    for check in checks(prior=False).facts:
        assert check.high - check.low < wide[check.name]


@pytest.mark.slow
@needs_record
@pytest.mark.parametrize("folds", ["dyad", "random"])
def test_out_of_sample_scores_beat_the_logit(folds: str) -> None:
    """Five folds; about five minutes each on two cores."""
    from escalation.history.likelihood import crisis_counts

    assert len(DIRECT) <= 3
    counts = crisis_counts(read_crises(CRISES))
    difference = validate(read_disputes(DISPUTES), counts, folds)["difference"]
    level, answer = difference["max_level"]["logit"], difference["reciprocation"]["logit"]
    assert level["mean"] > -level["se_clustered"]
    assert answer["mean"] > 0.0
