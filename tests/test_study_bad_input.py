"""Every kind of mistake in a study: one clear line at the right place, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from escalation.errors import Problem, StudyError
from escalation.study import load_study, parse_study

ACTORS = """\
china: {title: China, nuclear: true, alignment: -1, trade_dependence: {}}
taiwan: {title: Taiwan, alignment: 0.8, trade_dependence: {china: 0.23}}
japan:
  title: Japan
  alignment: 0.08
  trade_dependence: {china: {value: 0.07, source: BACI 2023, mark: computed}}
  domestic_veto: 0.25
united_states: {title: United States, nuclear: true, alignment: 1, trade_dependence: {china: 0.02}}
"""
STRAIT = """\
name: strait
theatre: taiwan
challenger: china
defender: taiwan
challenger_stake: 1
defender_stake: {prior: lognormal, median: 3.5, sigma: 0.3, source: ours, mark: judgement}
defender_power: 0.2
onset_rate:
  {prior: gamma, shape: 5.5, rate: 15, default: 0.37, source: MID, mark: computed}
base_host: japan
third_parties:
  japan: {power: 0.25, stake: 0.6}
  united_states: {power: 0.75, stake: 0.7}
"""
HUB = """\
name: hub
encirclement: 0.35
decision_delay_days: 7
commitments:
  united_states: {taiwan: 0.4}
  japan: {taiwan: 0.2}
"""
PACT = """\
name: pact_world
extends: hub
pact:
  members: [united_states, japan]
  bindingness: 0.85
  covers: {strait: coverage_nonmember}
  decision_delay_days: {parameter: war_decision_days}
  encirclement: 0.85
"""
STUDY = """\
name: tiny
title: A tiny study
horizon_years: 10
great_power: united_states
reference: hub
plan:
  trajectories: 100
  draws: 4
  seed: 1
actors: actors.yaml
flashpoints: [strait.yaml]
structures: [hub.yaml, pact.yaml]
compare:
  focus: [pact_world]
  sweep: [war_decision_days]
parameters:
  provocation_stake: {prior: normal, mean: 0.1, sd: 0.2, source: ours, mark: judgement}
correlations:
  - between: [provocation_stake, provocation_onset]
    rank_correlation: 0.5
    source: ours
    mark: judgement
  - between: [provocation_onset, strait.defender_stake]
    rank_correlation: 0.75
    source: ours
    mark: judgement
"""
FILES = {
    "study.yaml": STUDY, "actors.yaml": ACTORS, "strait.yaml": STRAIT,
    "hub.yaml": HUB, "pact.yaml": PACT,
}  # fmt: skip


def problems(folder: Path, changes: dict[str, str]) -> list[Problem]:
    """Write the files with some of them replaced, and return what loading them reports."""
    for name, text in (FILES | changes).items():
        (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        load_study(folder / "study.yaml")
    return caught.value.problems


def test_unspoilt_files_load(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert list(load_study(tmp_path / "study.yaml").structures) == ["hub", "pact_world"]


CASES = {
    # file, old text, new text, line:column, key, part of the message
    "unknown actor in a list": (
        "pact.yaml", "[united_states, japan]", "[united_states, japn]",
        "4:28 pact.members.1", "unknown actor 'japn' (did you mean 'japan'?)"),
    "unknown actor in commitments": (
        "hub.yaml", "  japan:", "  japon:", "6:3 commitments.japon", "did you mean 'japan'"),
    "unknown challenger": (
        "strait.yaml", "challenger: china", "challenger: chin", "3:13 challenger",
        "did you mean 'china'"),
    "unknown base host": (
        "strait.yaml", "base_host: japan", "base_host: mars", "10:12 base_host",
        "unknown actor 'mars' (choices: china, taiwan, japan, united_states)"),
    "unknown third party": (
        "strait.yaml", "  japan: {power", "  yapan: {power", "12:3 third_parties.yapan",
        "did you mean 'japan'"),
    "unknown trade partner": (
        "actors.yaml", "{china: 0.23}", "{chine: 0.23}",
        "2:60 taiwan.trade_dependence.chine", "did you mean 'china'"),
    "unknown great power": (
        "study.yaml", "great_power: united_states", "great_power: united_state",
        "4:14 great_power", "did you mean 'united_states'"),
    "unknown reference": (
        "study.yaml", "reference: hub", "reference: hab", "5:12 reference",
        "unknown structure 'hab' (did you mean 'hub'?)"),
    "unknown focus": (
        "study.yaml", "[pact_world]", "[pact_wold]", "14:11 compare.focus.0",
        "did you mean 'pact_world'"),
    "unknown sweep": (
        "study.yaml", "sweep: [war_decision_days]", "sweep: [war_decision]",
        "15:11 compare.sweep.0", "unknown parameter 'war_decision' (did you mean"),
    "sweep over a fixed parameter": (
        "study.yaml", "sweep: [war_decision_days]", "sweep: [round_days_2]",
        "15:11 compare.sweep.0", "fixed"),
    "unknown parameter override": (
        "study.yaml", "provocation_stake:", "provocation_steak:",
        "17:3 parameters.provocation_steak", "did you mean 'provocation_stake'"),
    "unknown parameter reference": (
        "pact.yaml", "coverage_nonmember", "coverage_nonmembre", "6:20 pact.covers.strait",
        "unknown parameter 'coverage_nonmembre' (did you mean 'coverage_nonmember'?)"),
    "unknown theatre": (
        "hub.yaml", "japan: {taiwan:", "japan: {tawan:", "6:11 commitments.japan.tawan",
        "unknown theatre 'tawan' (did you mean 'taiwan'?)"),
    "unknown flashpoint in covers": (
        "pact.yaml", "{strait:", "{straight:", "6:12 pact.covers.straight",
        "unknown flashpoint or theatre 'straight' (did you mean 'strait'?)"),
    "unknown parent": (
        "pact.yaml", "extends: hub", "extends: hubb", "2:10 extends",
        "unknown structure 'hubb' (did you mean 'hub'?)"),
    "extends itself": (
        "hub.yaml", "name: hub\n", "name: hub\nextends: hub\n", "2:10 extends", "circle"),
    "unknown key": (
        "strait.yaml", "base_host:", "basehost:", "10:1 basehost",
        "unknown key 'basehost' (did you mean 'base_host'?)"),
    "unknown key of a pact": (
        "pact.yaml", "  covers:", "  cover:", "6:3 pact.cover", "did you mean 'covers'"),
    "unknown key of a prior": (
        "strait.yaml", "median: 3.5", "median: 3.5, medain: 3.5", "6:49 defender_stake.medain",
        "did you mean 'median'"),
    "unknown key of the plan": (
        "study.yaml", "  draws: 4", "  draw: 4", "8:3 plan.draw", "did you mean 'draws'"),
    "duplicate key": (
        "strait.yaml", "base_host: japan", "theatre: sea", "10:1 theatre",
        "key 'theatre' given twice (first on line 2)"),
    "actor twice as a key": (
        "actors.yaml", "taiwan: {title", "china: {title: Again}\ntaiwan: {title", "2:1 china",
        "given twice"),
    "actor twice in a list": (
        "pact.yaml", "[united_states, japan]", "[japan, japan]", "4:20 pact.members.1",
        "actor 'japan' is named twice"),
    "structure twice": (
        "study.yaml", "[hub.yaml, pact.yaml]", "[hub.yaml, pact.yaml, hub.yaml]",
        "12:35 structures.2", "'hub' is among the structures twice"),
    "pact without members": (
        "pact.yaml", "[united_states, japan]", "[]", "4:12 pact.members", "no members"),
    "structure without members": (
        "hub.yaml", HUB[HUB.index("commitments"):], "", "1:1 ", "a structure with no members"),
    "challenger is defender": (
        "strait.yaml", "defender: taiwan", "defender: china", "4:11 defender",
        "challenger and defender are the same actor, 'china'"),
    "third party is defender": (
        "strait.yaml", "  japan: {power", "  taiwan: {power", "12:3 third_parties",
        "'taiwan' is the defender"),
    "no bindingness": (
        "pact.yaml", "[united_states, japan]\n  bindingness: 0.85\n",
        "{united_states: 0.9, japan: {}}\n", "4:33 pact.members.japan", "no bindingness given"),
    "missing key": (
        "strait.yaml", "defender_power: 0.2\n", "", "1:1 defender_power", "missing key"),
    "missing file": (
        "study.yaml", "[strait.yaml]", "[straits.yaml]", "11:15 flashpoints.0",
        "(did you mean 'strait.yaml'?)"),
    "absolute path": (
        "study.yaml", "[strait.yaml]", "[/etc/passwd]", "11:15 flashpoints.0", "is absolute"),
    "not a study file": (
        "study.yaml", "[strait.yaml]", "[../../etc/passwd]", "11:15 flashpoints.0",
        "does not end in .yaml"),
    "probability above one": (
        "pact.yaml", "bindingness: 0.85", "bindingness: 1.2", "5:16 pact.bindingness",
        "1.2 is out of range: must be from 0 to 1"),
    "negative probability": (
        "actors.yaml", "domestic_veto: 0.25", "domestic_veto: -0.25", "7:18 japan.domestic_veto",
        "-0.25 is out of range"),
    "probability NaN": (
        "actors.yaml", "domestic_veto: 0.25", "domestic_veto: .nan", "7:18 japan.domestic_veto",
        "must be a finite number"),
    "infinite number": (
        "strait.yaml", "defender_power: 0.2", "defender_power: .inf", "7:17 defender_power",
        "must be a finite number"),
    "zero stake": (
        "strait.yaml", "challenger_stake: 1", "challenger_stake: 0", "5:19 challenger_stake",
        "must be above 0"),
    "number as text": (
        "strait.yaml", "defender_power: 0.2", 'defender_power: "0.2"', "7:17 defender_power",
        "0.2"),
    "true as a number": (
        "strait.yaml", "defender_power: 0.2", "defender_power: true", "7:17 defender_power",
        "expected a number, found True"),
    "list as a number": (
        "strait.yaml", "defender_power: 0.2", "defender_power: [1]", "7:17 defender_power",
        "expected a number, a parameter's name"),
    "impossible prior": (
        "strait.yaml", "sigma: 0.3", "sigma: 0", "6:56 defender_stake.sigma", "must be above 0"),
    "prior without its parameter": (
        "strait.yaml", "median: 3.5, ", "", "6:17 defender_stake.median", "missing key 'median'"),
    "unknown prior": (
        "strait.yaml", "prior: gamma", "prior: gama", "9:11 onset_rate.prior",
        "unknown prior 'gama' (did you mean 'gamma'?)"),
    "uniform the wrong way round": (
        "strait.yaml", "prior: gamma, shape: 5.5, rate: 15", "prior: uniform, low: 2, high: 1",
        "9:11 onset_rate.prior", "low (2) must lie below high (1)"),
    "default outside its prior": (
        "strait.yaml", "default: 0.37", "default: -1", "9:49 onset_rate.default",
        "default -1 lies outside what Gamma(5.5, 15) can yield"),
    "default outside its place": (
        "pact.yaml", "bindingness: 0.85",
        "bindingness: {prior: normal, mean: 2, sd: 1, source: s, mark: judgement}",
        "5:16 pact.bindingness", "default 2 is out of range: must be from 0 to 1"),
    "override outside its bounds": (
        "study.yaml", "  provocation_stake: {prior: normal, mean: 0.1, sd: 0.2, ",
        "  coverage_nonmember: {default: 1.5, ", "17:23 parameters.coverage_nonmember",
        "default 1.5 is out of range"),
    "unknown mark": (
        "strait.yaml", "mark: computed", "mark: compute", "9:74 onset_rate.mark",
        "unknown choice 'compute' (did you mean 'computed'?)"),
    "prior without a source": (
        "strait.yaml", ", source: MID", "", "9:3 onset_rate.source", "missing key 'source'"),
    "no as truth": (
        "actors.yaml", "China, nuclear: true", "China, nuclear: no", "1:32 china.nuclear",
        "'no': write false"),
    "no as a number": (
        "actors.yaml", "domestic_veto: 0.25", "domestic_veto: no", "7:18 japan.domestic_veto",
        "'no': some YAML readers take it for true or false: write a number"),
    "octal": (
        "study.yaml", "draws: 4", "draws: 010", "8:10 plan.draws",
        "'010': some YAML readers take it for octal: write 10"),
    "exponent": (
        "study.yaml", "trajectories: 100", "trajectories: 1e6", "7:17 plan.trajectories",
        "'1e6': some YAML readers take it for text: write 1000000"),
    "exponent in a quantity": (
        "strait.yaml", "defender_power: 0.2", "defender_power: 2e-1", "7:17 defender_power",
        "write 0.2"),
    "zero trajectories": (
        "study.yaml", "trajectories: 100", "trajectories: 0", "7:17 plan.trajectories",
        "0 is out of range: must be at least 1"),
    "negative trajectories": (
        "study.yaml", "trajectories: 100", "trajectories: -5", "7:17 plan.trajectories",
        "-5 is out of range"),
    "2^63 trajectories": (
        "study.yaml", "trajectories: 100", f"trajectories: {2**63}", "7:17 plan.trajectories",
        "must be at most 9007199254740992"),
    "endless digits": (
        "study.yaml", "trajectories: 100", "trajectories: " + "9" * 5000,
        "7:17 plan.trajectories", "no number here has more than 40 characters"),
    "fractional trajectories": (
        "study.yaml", "trajectories: 100", "trajectories: 100.5", "7:17 plan.trajectories",
        "expected a whole number, found 100.5"),
    "too many draws": (
        "study.yaml", "draws: 4", "draws: 65537", "8:10 plan.draws", "at most 65536"),
    "seed beyond 64 bits": (
        "study.yaml", "seed: 1", f"seed: {2**64}", "9:9 plan.seed", "out of range"),
    "horizon too long": (
        "study.yaml", "horizon_years: 10", "horizon_years: 101", "3:16 horizon_years",
        "at most 100"),
    "unusable name": (
        "study.yaml", "name: tiny", "name: Tiny-1", "1:7 name", "not a usable name"),
    "reserved name": (
        "study.yaml", "name: tiny", "name: prior", "1:7 name", "not a usable name"),
    "title too long": (
        "hub.yaml", "name: hub\n", f"name: hub\ntitle: {'x' * 201}\n", "2:8 title",
        "201 characters; at most 200"),
    "title a number": (
        "hub.yaml", "name: hub\n", "name: hub\ntitle: 5\n", "2:8 title",
        "expected text, found 5; put it in quotes"),
    "tab": ("hub.yaml", "  japan:", "\tjapan:", "6:1 ", "found a tab"),
    "byte-order mark": ("hub.yaml", "name: hub", "\ufeffname: hub", "1:1 ", "byte-order mark"),
    "control character": ("hub.yaml", "name: hub", "name: h\x07ub", "1:8 ", "control character"),
    "python object": (
        "hub.yaml", "name: hub", "name: !!python/object/apply:os.system [ls]", "1:7 name",
        "tags ('tag:yaml.org,2002:python/object/apply:os.system') are not accepted"),
    "anchor": ("hub.yaml", "name: hub", "name: &n hub", "1:7 name", "anchors (&n)"),
    "directive": ("hub.yaml", "name: hub", "%YAML 1.1\n---\nname: hub", "", "directives"),
    "two documents": ("hub.yaml", "name: hub", "a: 1\n---\nname: hub", "2:1 ", "second document"),
    "broken syntax": ("hub.yaml", "{taiwan: 0.2}", "{taiwan: 0.2", "", "not valid YAML"),
    "a list for a file": ("hub.yaml", HUB, "[1, 2]", "1:1 ", "expected keys with values"),
    "an empty file": ("hub.yaml", HUB, "", "1:1 ", "expected keys with values, found nothing"),
    "flow nesting": (
        "hub.yaml", "name: hub", "name: " + "[" * 3000 + "]" * 3000, "1:70 name" + ".0" * 63,
        "nested deeper than 64"),
    "block nesting": (
        "hub.yaml", HUB, "\n".join(" " * i + "a:" for i in range(1000)), "", "nested deeper"),
    "list nesting": ("hub.yaml", HUB, "- " * 3000 + "1\n", "", "nested deeper"),
    "unnamed": ("hub.yaml", "name: hub\n", "", "1:1 name", "missing key 'name'"),
    "unknown design": (
        "study.yaml", "  seed: 1", "  seed: 1\n  design: sobel", "10:11 plan.design",
        "unknown choice 'sobel' (did you mean 'sobol'?)"),
    "design a number": (
        "study.yaml", "  seed: 1", "  seed: 1\n  design: 2", "10:11 plan.design",
        "unknown choice 2 (choices: nested_hypercube, sobol, latin_hypercube)"),
    "correlation of an unknown parameter": (
        "study.yaml", "stake, provocation_onset]", "stake, provocation_onsets]",
        "19:34 correlations.0.between.1",
        "unknown parameter 'provocation_onsets' (did you mean 'provocation_onset'?)"),
    "correlation of an unknown inline parameter": (
        "study.yaml", "strait.defender_stake", "strait.defender_steak",
        "23:34 correlations.1.between.1", "(did you mean 'strait.defender_stake'?)"),
    "correlation of a hostile name": (
        "study.yaml", "[provocation_stake, ", r'["<script>\n\u202e</script>", ',
        "19:15 correlations.0.between.0", r"unknown parameter '<script>\n\u202e</script>' ("),
    "correlation of an endless name": (
        "study.yaml", "stake, provocation_onset]", f"stake, {'x' * 10_000}]",
        "19:34 correlations.0.between.1", f"unknown parameter '{'x' * 76}... (choices: "),
    "correlated with itself": (
        "study.yaml", "stake, provocation_onset]", "stake, provocation_stake]",
        "19:14 correlations.0.between", "'provocation_stake' cannot be correlated with itself"),
    "correlation of a fixed parameter": (
        "study.yaml", "stake, provocation_onset]", "stake, round_days_2]",
        "19:5 correlations.0", "parameter 'round_days_2' is fixed"),
    "correlation of a parameter that the study fixes": (
        "study.yaml", "{prior: normal, mean: 0.1, sd: 0.2, source: ours, mark: judgement}", "0.1",
        "19:5 correlations.0", "parameter 'provocation_stake' is fixed"),
    "correlated twice": (
        "study.yaml", "[provocation_onset, strait.defender_stake]",
        "[provocation_onset, provocation_stake]", "23:5 correlations.1",
        "'provocation_onset' and 'provocation_stake' are correlated twice"),
    "correlation of three": (
        "study.yaml", "stake, provocation_onset]", "stake, provocation_onset, forced_choice]",
        "19:14 correlations.0.between", "expected two parameters, found 3"),
    "correlation of one name": (
        "study.yaml", "[provocation_stake, provocation_onset]", "provocation_stake",
        "19:14 correlations.0.between", "expected a list, found 'provocation_stake'"),
    "correlation of a number": (
        "study.yaml", "stake, provocation_onset]", "stake, 3]",
        "19:34 correlations.0.between.1", "expected text, found 3"),
    "correlation of one": (
        "study.yaml", "rank_correlation: 0.5", "rank_correlation: 1",
        "20:23 correlations.0.rank_correlation", "1 is out of range: must lie between -1 and 1"),
    "correlation of minus one": (
        "study.yaml", "rank_correlation: 0.5", "rank_correlation: -1.0",
        "20:23 correlations.0.rank_correlation", "-1 is out of range"),
    "correlation NaN": (
        "study.yaml", "rank_correlation: 0.5", "rank_correlation: .nan",
        "20:23 correlations.0.rank_correlation", "must be a finite number"),
    "correlation as a percentage": (
        "study.yaml", "rank_correlation: 0.5", "rank_correlation: 50%",
        "20:23 correlations.0.rank_correlation", "expected a number, found '50%'"),
    "correlation true": (
        "study.yaml", "rank_correlation: 0.5", "rank_correlation: true",
        "20:23 correlations.0.rank_correlation", "expected a number, found True"),
    "correlation without its size": (
        "study.yaml", "    rank_correlation: 0.5\n", "",
        "19:5 correlations.0.rank_correlation", "missing key 'rank_correlation'"),
    "correlation without a source": (
        "study.yaml", "    source: ours\n", "", "19:5 correlations.0.source",
        "missing key 'source'"),
    "correlation without a mark": (
        "study.yaml", "    mark: judgement\n", "", "19:5 correlations.0.mark",
        "missing key 'mark'"),
    "correlation with an unknown mark": (
        "study.yaml", "    mark: judgement", "    mark: judgment", "22:11 correlations.0.mark",
        "unknown choice 'judgment' (did you mean 'judgement'?)"),
    "correlation with an unknown key": (
        "study.yaml", "    rank_correlation", "    correlation: 0.5\n    rank_correlation",
        "20:5 correlations.0.correlation", "(did you mean 'rank_correlation'?)"),
    "correlations that cannot hold together": (
        "study.yaml", "rank_correlation: 0.5", "rank_correlation: -0.75", "23:5 correlations.1",
        "between 'provocation_onset', 'provocation_stake', 'strait.defender_stake' cannot hold"),
    "correlations a number": (
        "study.yaml", STUDY[STUDY.index("correlations:"):], "correlations: 0.5\n",
        "18:15 correlations", "expected a list, found 0.5"),
    "correlations a table": (
        "study.yaml", STUDY[STUDY.index("correlations:"):],
        "correlations: {provocation_stake: 0.5}\n", "18:15 correlations",
        "expected a list, found a table of keys"),
    "correlation a name": (
        "study.yaml", STUDY[STUDY.index("correlations:"):],
        "correlations: [provocation_stake]\n", "18:16 correlations.0",
        "expected a table of keys, found 'provocation_stake'"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_mistake_gives_one_clear_line(tmp_path: Path, case: str) -> None:
    file, old, new, where, message = CASES[case]
    assert old in FILES[file], "the case no longer fits the files above"
    found = problems(tmp_path, {file: FILES[file].replace(old, new, 1)})
    assert [str(problem) for problem in found if message not in problem.message] == []
    (problem,) = found
    assert Path(problem.file) == tmp_path / file
    if where:
        place, _, key = where.partition(" ")
        got = f"{problem.line}:{problem.column}"
        assert got == place, str(problem)
        assert key in ("", problem.key)
    assert "\n" not in str(problem)
    assert len(problem.message) < 400


def test_alias_bomb(tmp_path: Path) -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    (problem,) = problems(tmp_path, {"hub.yaml": "\n".join(levels)})
    assert "anchors" in problem.message


def test_hundred_megabytes_are_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "study.yaml").open("wb") as stream:
        os.truncate(stream.fileno(), 100_000_000)
    with pytest.raises(StudyError, match="100,000,000 bytes; at most 1,000,000"):
        load_study(tmp_path / "study.yaml")


def test_all_problems_of_all_files_at_once(tmp_path: Path) -> None:
    found = problems(tmp_path, {
        "hub.yaml": HUB.replace("0.4", "4").replace("japan", "japn"),
        "pact.yaml": PACT.replace("0.85", "-1"),
        "strait.yaml": STRAIT.replace("power: 0.25", "pover: 0.25"),
        "study.yaml": STUDY.replace("seed: 1", "seed: -1"),
    })
    assert {Path(problem.file).name for problem in found} == {
        "hub.yaml", "pact.yaml", "strait.yaml", "study.yaml"
    }
    assert len(found) == 7
    assert found == sorted(set(found))


def test_inherited_mistake_is_reported_once_where_it_was_written(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, {"hub.yaml": HUB.replace("taiwan: 0.4", "taiwan: 1.4")})
    assert (Path(problem.file).name, problem.line, problem.column) == ("hub.yaml", 5, 27)


def test_too_many_third_parties(tmp_path: Path) -> None:
    names = [f"state_{number}" for number in range(25)]
    actors = "".join(f"{name}: {{alignment: 0, trade_dependence: {{}}}}\n" for name in names)
    rows = "".join(f"  {name}: {{power: 0.1, stake: 0.1}}\n" for name in names)
    head = STRAIT[: STRAIT.index("  japan")]
    (problem,) = problems(tmp_path, {"actors.yaml": ACTORS + actors, "strait.yaml": head + rows})
    assert "25 third parties; at most 24" in problem.message
    assert problem.line == 12


@pytest.mark.parametrize("name", ["missing.yaml", "a\0b.yaml", "x" * 300 + ".yaml", "", "."])
def test_unusable_study_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(StudyError) as caught:
        load_study(f"{tmp_path}/{name}")
    (problem,) = caught.value.problems
    assert "\n" not in str(problem)
    assert problem.line == 0


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "study.yaml")
    with pytest.raises(StudyError, match="is not a file"):
        load_study(tmp_path / "study.yaml")


def test_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_bytes(b"name: tiny\ntitle: caf\xe9\n")
    with pytest.raises(StudyError, match=r"study.yaml:2:11: is not UTF-8"):
        load_study(tmp_path / "study.yaml")


def test_files_that_lead_in_a_circle(tmp_path: Path) -> None:
    found = problems(tmp_path, {"study.yaml": STUDY + "extends: study.yaml\n"})
    assert "circle" in found[0].message


def test_mistakes_in_a_mapping_have_a_key_and_no_line() -> None:
    with pytest.raises(StudyError) as caught:
        parse_study({"name": "tiny", "plan": {"draws": 0}, "actors": {}, "structures": "hub",
                     "flashpoints": [], "great_power": "x", "reference": "y", "plot": object()})
    keys = {problem.key for problem in caught.value.problems}
    assert {"plan.draws", "actors", "structures", "plot"} <= keys
    assert {problem.line for problem in caught.value.problems} == {0}


def test_a_mapping_that_holds_itself() -> None:
    endless: dict = {"name": "tiny"}
    endless["actors"] = endless
    with pytest.raises(StudyError, match="nested deeper"):
        parse_study(endless)
