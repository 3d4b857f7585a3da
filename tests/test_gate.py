"""The gate between words and integers: what cannot be played is refused and named.

Extreme but valid studies either get one clear line or give the same counts compiled and plain.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import cells
import numpy as np
import pytest
from extremes import LONGEST_MESSAGE, outcome, plain_environment
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import escalation as esc
from escalation.contracts.tables import INVALID, Tables, formats
from escalation.errors import InputError, StudyError
from escalation.history.durations import compile_disputes
from escalation.history.features import Features
from escalation.kernel.formats import outside_formats
from escalation.model.compile import compile_block, onset_anchor
from escalation.model.gate import first_fault
from escalation.parameters.priors import Beta, LogNormal, Normal
from escalation.parameters.registry import LIMITS, REGISTRY
from escalation.report import format_show
from escalation.report.text import counted
from escalation.study.alliances import ActorOverride, Member, Pact, Structure
from escalation.study.flashpoints import Actor, Flashpoint, ThirdParty
from escalation.study.loader import parse_study
from escalation.study.quantity import Within

STRAIT, PACT = "taiwan_strait", "asian_nato"


def compiled_with(**values: float) -> Tables:
    """Compile the Strait under an Asian NATO with some parameters set past their bounds."""
    return cells.compiled(STRAIT, PACT, cells.defaults(**values))


# ------------------------------------------------------------------ formats


def test_shipped_tables_lie_in_their_formats(varied: Tables) -> None:
    assert not outside_formats(varied).any()


@pytest.mark.parametrize("name", Tables._fields)
def test_every_table_is_watched_at_both_ends(varied: Tables, name: str) -> None:
    """One entry past an end of its format, in one cell: that cell is found, and no other."""
    _, n_parties = varied.veto.shape
    ends = formats(n_parties, varied.outlook.shape[1], *varied.brink.shape[2:])
    for end, step in zip(ends, (-1, 1), strict=True):
        limit = int(getattr(end, name).reshape(-1)[-1])
        past = limit + step
        if not -(2**31) <= past < 2**31:
            continue
        for entry, found in ((limit, 0), (past, 1)):
            array = getattr(varied, name).copy()
            array.reshape(len(array), -1)[3, -1] = entry
            counted = outside_formats(varied._replace(**{name: array}))
            assert counted.tolist() == [found if cell == 3 else 0 for cell in range(len(array))]


def test_an_invalid_entry_is_outside_every_format(varied: Tables) -> None:
    for low in formats(9, 10, 16, 17)[0]:
        assert low.size == 0 or (low > INVALID).all()


# ------------------------------------------------------------------ numbers that do not fit

PAST = {
    # What turned into a wrapped integer, or a crash of the kernel, before there was a gate.
    "round_days_1": 3e8,
    "round_days_5": 0.0,
    "turnover": math.nan,
    "challenger_war_cost": math.inf,
    "reputation": 1e9,
    "misperception": 1e6,
    "reliability": 1.0,
    "incident_rate_2": -1.0,
    "settlement_rate_1": math.nan,
    "exit_dependence": 1e6,
    "provocation_onset": 1e5,
    "chain_share_some": 1e6,
    "wedge_probability": 1.5,
    "double_step": -0.1,
    "tension_decay_years": math.nan,
    "bindingness_effect": math.inf,
}


@pytest.mark.parametrize("name", PAST)
def test_what_does_not_fit_is_refused_and_named(name: str) -> None:
    value = PAST[name]
    with pytest.raises(InputError) as refused:
        compiled_with(**{name: value})
    message = str(refused.value)
    assert message.startswith(f"{STRAIT} under {PACT}, draw 0: ")
    assert name in message
    assert f"{value:g}" in message
    assert "\n" not in message
    assert len(message) < LONGEST_MESSAGE


def test_the_draw_is_named_by_its_number_in_the_run() -> None:
    """The third draw of a block that begins at draw 40 is draw 42."""
    study = cells.shipped_study()
    place, structure = study.flashpoints[STRAIT], study.structures[PACT]
    draws = cells.pinned(cells.sampled(4, seed=1), round_days_3=[7, 7, 1e9, 7])
    anchor = onset_anchor(study, place, draws)
    with pytest.raises(InputError, match=r"draw 42: table days\[3\].*round_days_3 = 1e\+09"):
        compile_block(study, place, structure, draws, anchor, first=40)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300, -1e300, 1e-300, 2e9, -7.5])
def test_any_parameter_at_any_value_passes_or_is_refused(value: float) -> None:
    """No value of any parameter makes tables outside their formats, or anything but one line."""
    passed = 0
    for name in REGISTRY:
        tables, refused = None, ""
        try:
            tables = compiled_with(**{name: value})
        except InputError as error:
            refused = str(error)
        if tables is None:
            assert name in refused
        else:
            assert not outside_formats(tables).any(), name
            passed += 1
    # Those that the study's tables do not depend on pass whatever they are, if they are finite.
    assert passed < len(REGISTRY)
    assert passed > 0 or not math.isfinite(value)


def test_a_wrong_number_that_is_no_parameter_is_named_too() -> None:
    study = cells.shipped_study()
    place = study.flashpoints[STRAIT].model_copy(update={"challenger_stake": math.inf})
    with pytest.raises(InputError, match="challenger_stake is inf; no single parameter"):
        cells.compiled(place, PACT)


def test_disputes_of_the_record_pass_the_same_gate() -> None:
    one = {name: np.ones(2) for name in Features.__dataclass_fields__}
    draws = cells.pinned(cells.sampled(2, seed=1), stake_land=[0.0, 800.0])
    with pytest.raises(InputError, match="cell 1 of disputes of the record: challenger_stake is i"):
        compile_disputes(Features(**one), draws, onset=1.0)
    tables = compile_disputes(Features(**one), cells.sampled(2, seed=1), onset=1.0)
    assert not outside_formats(tables).any()


def test_power_that_leaves_the_grid_is_found(varied: Tables) -> None:
    """Each party within its format, but all together beyond the last point of the grid."""
    grid = varied.grid_power.copy()
    grid[2] = 15 << 16
    draws = cells.sampled(len(grid), seed=1)
    nothing = cells.Draws((), np.zeros((0, len(grid))))
    assert first_fault(nothing, draws.values[:2].T, _Empty(), _Empty(), varied) is None
    found = first_fault(
        nothing, draws.values[:2].T, _Empty(), _Empty(), varied._replace(grid_power=grid)
    )
    assert found is not None
    assert found.cell == 2


class _Empty:
    def _asdict(self) -> dict[str, np.ndarray]:
        return {}


# ------------------------------------------------------------------ where numbers are read


def test_every_parameter_has_finite_bounds() -> None:
    for entry in REGISTRY.values():
        assert -LIMITS[entry.unit] <= entry.low < entry.high <= LIMITS[entry.unit], entry.name


@pytest.mark.parametrize("name", REGISTRY)
def test_a_parameter_past_its_bounds_is_refused_where_it_is_read(name: str) -> None:
    entry = REGISTRY[name]
    for value in (entry.high * 1.01 + 1.0, entry.low - abs(entry.low) * 0.01 - 1.0):
        with pytest.raises(StudyError, match=f"parameters.{name}: default .* out of range"):
            parse_study({"name": "s", "extends": "asian_nato.yaml", "parameters": {name: value}},
                        cells.CONFIGS)


def quantities() -> Iterator[tuple[str, Within]]:
    """Return every place of the schema that takes a quantity, with its bounds."""
    for model in (Actor, ThirdParty, Flashpoint, Member, Pact, ActorOverride, Structure):
        for field, info in model.model_fields.items():
            for bounds in _bounds(info.annotation, info.metadata):
                yield f"{model.__name__}.{field}", bounds


def _bounds(kind: Any, metadata: Any = ()) -> Iterator[Within]:
    metadata = [*metadata, *getattr(kind, "__metadata__", ())]
    yield from (m.func for m in metadata if isinstance(getattr(m, "func", None), Within))
    for part in get_args(kind):
        yield from _bounds(part)


def test_every_quantity_of_a_study_has_finite_bounds() -> None:
    found = dict(quantities())
    assert {"Flashpoint.challenger_stake", "Actor.trade_dependence", "ThirdParty.power",
            "ActorOverride.staunch_logit", "Pact.decision_delay_days"} <= set(found)
    for place, bounds in found.items():
        assert math.isfinite(bounds.low), place
        assert math.isfinite(bounds.high), place


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"flashpoints": [{"name": STRAIT, "challenger_stake": 1000}]}, "challenger_stake"),
        ({"flashpoints": [{"name": STRAIT, "onset_rate": 1e9}]}, "onset_rate"),
        ({"structures": ["structures/hub_and_spoke.yaml", {
            "name": "asian_nato", "actors": {"united_states": {"staunch_logit": 40000}}}]},
         "staunch_logit"),
        ({"structures": ["structures/hub_and_spoke.yaml", {
            "name": "asian_nato", "decision_delay_days": 1e6}]}, "decision_delay_days"),
    ],
)
def test_a_quantity_past_its_bounds_is_refused_where_it_is_read(
    change: dict[str, Any], key: str
) -> None:
    for things in change.values():
        for thing in things:
            if isinstance(thing, dict):
                folder = "flashpoints" if "flashpoints" in change else "structures"
                thing["extends"] = f"{folder}/{thing['name']}.yaml"
    with pytest.raises(StudyError, match=f"{key}: .* out of range: must be"):
        parse_study({"name": "s", "extends": "asian_nato.yaml", "compare": {}, **change},
                    cells.CONFIGS)


@pytest.mark.parametrize(
    "prior", [Normal(mean=0, sd=1e308), LogNormal(median=1e300, sigma=1e300), Beta(a=1e-320, b=1)]
)
def test_a_prior_too_wide_for_floating_point_is_clipped_or_refused(prior: Any) -> None:
    from dataclasses import replace

    from escalation.model.draws import draw_parameters

    entry = replace(REGISTRY["onset_response_routine"], prior=prior)
    drawn, refused = np.zeros(0), ""
    try:
        drawn = draw_parameters({entry.name: entry}, 64, 1).values
    except InputError as error:
        refused = str(error)
    assert drawn.size or f"parameter {entry.name}: its prior" in refused
    assert np.isfinite(drawn).all()
    assert np.abs(drawn).max(initial=0.0) <= entry.high


# ------------------------------------------------------------------ saturation


def strait_with(stake: float, **parameters: float) -> dict[str, Any]:
    return {
        "name": "s", "extends": "asian_nato.yaml", "horizon_years": 2,
        "flashpoints": [{"name": STRAIT, "extends": f"flashpoints/{STRAIT}.yaml",
                         "challenger_stake": stake}],
        "structures": ["structures/hub_and_spoke.yaml", f"structures/{PACT}.yaml"],
        "decision_rules": ["expected_utility"], "parameters": parameters,
        "compare": {"focus": [PACT], "sweep": []},
    }


def test_saturated_draws_are_counted_and_said() -> None:
    """A huge stake makes disputes come at the limit of the tables; the shipped one does not."""
    extreme = esc.run(parse_study(strait_with(100.0), cells.CONFIGS),
                      draws=64, trajectories=8, sweep=False, source="prior")
    usual = esc.run(parse_study(strait_with(1.0), cells.CONFIGS),
                    draws=16, trajectories=8, sweep=False, source="prior")
    hit = extreme.saturated_count.any(("decision_rule", "flashpoint", "structure"))
    assert int(usual.saturated_count.sum()) == 0
    assert "limit of 32 a month" not in format_show(usual)
    assert 0 < int(hit.sum()) <= 64
    text = " ".join(format_show(extreme).split())
    said = f"In {counted(int(hit.sum()), 'draw')} of 64 disputes came at the limit of 32 a month"
    assert said in text
    assert f"{int(extreme.saturated_count.max())} of 8 histories of a draw" in text


def test_a_far_response_neither_overflows_nor_vanishes() -> None:
    """Responses of some thousand log units: the reference's own mean onset stays what it was."""
    study = parse_study(strait_with(100.0, onset_response_grave=50.0), cells.CONFIGS)
    place = study.flashpoints[STRAIT]
    draws = cells.default_draws(study.parameters)
    anchor = onset_anchor(study, place, draws)
    assert np.isfinite(anchor).all()
    assert np.abs(anchor).max() > 700.0
    onset = compile_block(study, place, study.structures["hub_and_spoke"], draws, anchor).onset
    assert onset.max() > 0


# ------------------------------------------------------------------ compiled against plain

FLASHPOINT_RANGES = {
    "challenger_stake": (1e-9, 100.0), "defender_stake": (1e-9, 100.0),
    "defender_power": (0.0, 100.0), "onset_rate": (1e-6, 100.0),
    "commitment_scale": (0.0, 100.0), "grey_zone_incidents": (0.0, 100.0),
}


def extreme(low: float, high: float) -> st.SearchStrategy[float]:
    """Draw a number in a range, often at or near its ends, on a linear or a log scale."""
    choices = [st.sampled_from([low, high]), st.floats(low, high, allow_subnormal=False)]
    if low >= 0.0:
        choices.append(
            st.floats(-9.0, math.log10(high)).map(lambda x: min(max(10.0**x, low), high))
        )
    return st.one_of(choices)


@st.composite
def studies(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a study of one flashpoint and two structures with a few extreme numbers."""
    point: dict[str, Any] = {"name": STRAIT, "extends": f"flashpoints/{STRAIT}.yaml"}
    for key in draw(st.lists(st.sampled_from(sorted(FLASHPOINT_RANGES)), max_size=2, unique=True)):
        point[key] = draw(extreme(*FLASHPOINT_RANGES[key]))
    if draw(st.booleans()):
        who = draw(st.sampled_from(["united_states", "japan", "cambodia"]))
        point["third_parties"] = {who: {
            "power": draw(extreme(0.0, 100.0)), "stake": draw(extreme(0.0, 100.0))
        }}
    pact: dict[str, Any] = {"name": PACT, "extends": f"structures/{PACT}.yaml"}
    if draw(st.booleans()):
        pact["actors"] = {"japan": {"staunch_logit": draw(extreme(-8.0, 8.0))}}
    names = draw(st.lists(st.sampled_from(sorted(REGISTRY)), min_size=1, max_size=4, unique=True))
    return {
        "name": "extreme", "extends": "asian_nato.yaml",
        "horizon_years": draw(st.sampled_from([1, 2])),
        "flashpoints": [point], "structures": ["structures/hub_and_spoke.yaml", pact],
        "decision_rules": [draw(st.sampled_from(["expected_utility", "prospect_theory"]))],
        "compare": {"focus": [PACT], "sweep": []},
        "parameters": {n: draw(extreme(REGISTRY[n].low, REGISTRY[n].high)) for n in names},
    }


@pytest.fixture(scope="module")
def plain() -> Iterator[subprocess.Popen[str]]:
    """A process that plays studies without a compiler."""
    script = Path(__file__).resolve().parent / "extremes.py"
    with subprocess.Popen(
        [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env=plain_environment(),
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def check_both(words: dict[str, Any], plain: subprocess.Popen[str]) -> dict[str, Any]:
    """Hold a study's counts, or its refusal, compiled against plain."""
    assert plain.stdin is not None
    assert plain.stdout is not None
    plain.stdin.write(json.dumps(words) + "\n")
    plain.stdin.flush()
    compiled = outcome(words)
    other = plain.stdout.readline()
    assert other, "the plain process died"
    assert compiled == json.loads(other)
    refused = compiled.get("refused", "")
    assert len(refused) < LONGEST_MESSAGE
    assert refused.isprintable()
    return compiled


def options(examples: int) -> settings:
    return settings(
        max_examples=examples, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck),
    )


@options(4)
@given(studies())
def test_extreme_studies_compiled_and_plain(
    plain: subprocess.Popen[str], words: dict[str, Any]
) -> None:
    check_both(words, plain)


@pytest.mark.slow
@options(300)
@given(studies())
def test_many_extreme_studies_compiled_and_plain(
    plain: subprocess.Popen[str], words: dict[str, Any]
) -> None:
    """The same over many more: protects rare meetings of two extremes."""
    check_both(words, plain)


def test_a_refusal_is_the_same_compiled_and_plain(plain: subprocess.Popen[str]) -> None:
    """Every number within its bounds, yet the rate of onset is e to the thousand."""
    words = strait_with(1.0, provocation_onset=1000.0)
    words["structures"] = [
        {"name": name, "extends": f"structures/{name}.yaml", "encirclement": level}
        for name, level in (("hub_and_spoke", 0.0), (PACT, 1.0))
    ]
    found = check_both(words, plain)
    assert found["refused"] == (
        f"{STRAIT} under {PACT}, draw 0: onset_per_month is inf; it would pass with the default of "
        "provocation_onset = 1000 (default 0)"
    )
