"""Campaigns: the same counts as a run, extension to the same bytes, status, lock, refusals."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import campaign_tools as tools
import numpy as np
import pytest
import xarray as xr
from campaign_tools import digest, keys_of, little
from click.testing import CliRunner

import escalation
from escalation import provenance
from escalation.cli.app import main
from escalation.errors import InputError, ResultsError
from escalation.report.campaign_report import estimate_words, format_status
from escalation.results import estimates, open_results
from escalation.simulation import lock
from escalation.simulation import run as module
from escalation.simulation.accumulate import BlockCounts
from escalation.simulation.run import resume
from escalation.simulation.simulator import LocalSimulator
from escalation.simulation.status import Seen, campaign_status
from escalation.simulation.store import Store
from escalation.simulation.workload import Block, compared_structures, rectangles

BLOCK = {"block_size": tools.BLOCK_SIZE}


def call(*arguments: object):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def simulated(monkeypatch):
    """Blocks that were simulated since."""
    found = []
    honest = LocalSimulator._simulate

    def note(self, block):
        found.append(block)
        return honest(self, block)

    monkeypatch.setattr(LocalSimulator, "_simulate", note)
    return found


def test_counts_are_those_of_a_run(whole):
    ds, plain = open_results(whole), escalation.run(little())
    for name in plain.variables:
        xr.testing.assert_identical(ds[name], plain[name])
    differing = {k for k in plain.attrs if plain.attrs[k] != ds.attrs.get(k)}
    assert differing <= {"created", "package_versions"}
    assert json.loads(ds.attrs["package_versions"]) == json.loads(plain.attrs["package_versions"])
    assert "created" not in ds.attrs, "campaigns that are alike end in the same bytes"


def test_threads_and_block_size_do_not_matter(whole, tmp_path):
    escalation.run(little(), store=tmp_path / "a", where=2, block_size=37)
    assert digest(tmp_path / "a") == digest(whole)
    escalation.run(little(), store=tmp_path / "b", seed=4, **BLOCK)
    assert digest(tmp_path / "b") != digest(whole)


def test_a_resumed_campaign_simulates_no_block_twice(copy, whole, simulated):
    before = (copy / "campaign.sqlite3").read_bytes()
    resume(copy)
    assert not simulated
    assert (copy / "campaign.sqlite3").read_bytes() == before
    tools.sql(copy, "UPDATE row SET payload = x'00' WHERE id IN (3, 5)")
    resume(Store(copy, repair=True))
    assert len(simulated) == 2
    assert digest(copy) == digest(whole)


@pytest.mark.parametrize("steps", [
    [{"draws": 4, "trajectories": 60}, {"draws": 7}],
    [{"draws": 4, "trajectories": 60}, {"trajectories": 130}],
    [{"draws": 2, "trajectories": 30}, {"draws": 3, "trajectories": 90}, {"draws": 7}],
])  # fmt: skip
def test_extension_equals_a_campaign_of_that_size(tmp_path, steps):
    grown, first = tmp_path / "grown", set()
    for step in steps:
        escalation.run(little(), store=grown, **step, **BLOCK)
        assert first <= keys_of(grown), "an extension takes nothing away"
        first = keys_of(grown)
    size = {name: max(s.get(name, 0) for s in steps) for name in ("draws", "trajectories")}
    escalation.run(little(), store=tmp_path / "fresh", **size, **BLOCK)
    assert digest(grown) == digest(tmp_path / "fresh")


def test_rectangles_cover_each_trajectory_once():
    rng = np.random.default_rng(1)
    for _ in range(50):
        sizes = np.cumsum(rng.integers(0, 4, (5, 2)), axis=0) + 1
        cover = np.zeros(sizes[-1], int)
        for (begin, end), (first, last) in rectangles(map(tuple, sizes.tolist())):
            cover[begin:end, first:last] += 1
        assert (cover == 1).all()


def test_a_study_with_a_latin_hypercube_takes_more_trajectories_but_no_more_draws(tmp_path):
    study = little("latin_hypercube")
    escalation.run(study, store=tmp_path, **BLOCK)
    with pytest.raises(InputError, match="more draws of a latin_hypercube do not extend"):
        escalation.run(study, store=tmp_path, draws=5)
    escalation.run(study, store=tmp_path, trajectories=70)
    assert open_results(tmp_path).attrs["trajectories"] == 70


def test_a_campaign_keeps_its_design_and_its_pins(tmp_path):
    """Neither stands in the text of the study."""
    size = {"draws": 2, "trajectories": 10}
    study = little().with_plan(design="latin_hypercube")
    pins = {"forced_choice": 1.5}
    ds = escalation.run(study, store=tmp_path, parameters=pins, **size)
    plain = escalation.run(study, parameters=pins, **size)
    assert ds.attrs["design"] == "latin_hypercube"
    assert json.loads(ds.attrs["pinned"]) == pins
    for name in plain.data_vars:
        xr.testing.assert_identical(ds[name], plain[name])
    before = digest(tmp_path)
    resume(tmp_path)
    assert digest(tmp_path) == before
    for change, words in (
        ({"study": little(), "parameters": pins}, "design: the campaign has latin_hypercube"),
        ({"study": study}, "pinned: the campaign has 'forced_choice=1.5', not none"),
    ):
        with pytest.raises(InputError, match=words):
            escalation.run(**change, store=tmp_path, **size)


@pytest.mark.parametrize(("change", "words"), [
    ({"seed": 4}, "seed: the campaign has 3, not 4"),
    ({"draws": 2}, "draws: 2 is less than the 4"),
    ({"trajectories": 59}, "trajectories: 59 is less than the 60"),
    ({"draws": 0}, "draws: 0 is not a whole number"),
    ({"defaults": True}, "defaults: the campaign has False, not True"),
    ({"source": "prior"}, "posterior: the campaign has"),
    ({"sweep": False}, "sweep: the campaign has 'provocation_stake', not none"),
    ({"until": ["war:relative:0.1"]}, "until: a campaign has a stated size"),
    ({"where": "local:2"}, "scheduler: a campaign is simulated here"),
])  # fmt: skip
def test_another_question_is_refused(copy, change, words):
    before = {path: path.read_bytes() for path in copy.rglob("*.*")}
    with pytest.raises(InputError, match=words):
        escalation.run(little(), store=copy, **change)
    assert {path: path.read_bytes() for path in copy.rglob("*.*")} == before


def test_another_study_and_another_folder_are_refused(copy, tmp_path, study):
    with pytest.raises(InputError, match="study: the campaign has another name"):
        escalation.run(study, store=copy)
    changed = little().model_copy(update={"horizon_years": 2})
    with pytest.raises(InputError, match="changed after it was read"):
        escalation.run(changed, store=tmp_path / "new")
    assert not (tmp_path / "new").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(InputError, match="holds something else"):
        escalation.run(little(), store=tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]
    for place in (tmp_path / "none", tmp_path / "mine", "a\0b", "x" * 300):
        for look in (resume, campaign_status):
            with pytest.raises(InputError, match="holds no campaign"):
                look(place)
    for name in ("a\0b", "x" * 300, tmp_path / "mine" / "letter.txt"):
        with pytest.raises(InputError, match="cannot use folder"):
            escalation.run(little(), store=name)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]


def test_a_campaign_of_an_earlier_version_is_one_line(tmp_path):
    (tmp_path / "campaign.json").write_text("{}")
    (tmp_path / "blocks").mkdir()
    for look in (resume, campaign_status, lambda place: escalation.run(little(), store=place)):
        with pytest.raises(InputError, match=r"campaign\.json: a campaign of an earlier") as one:
            look(tmp_path)
        assert "\n" not in str(one.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["blocks", "campaign.json"]


def test_resume_needs_neither_study_files_nor_the_shipped_posterior(copy, whole, monkeypatch):
    from escalation.parameters import posterior

    monkeypatch.chdir(copy.parent)
    monkeypatch.setattr(posterior, "SHIPPED", copy / "nowhere.csv")
    tools.sql(copy, "UPDATE row SET payload = x'' WHERE id % 2")
    resume(Store(copy, repair=True))
    assert digest(copy) == digest(whole)


def test_another_version_of_the_model_is_refused(copy, monkeypatch):
    monkeypatch.setattr(module, "model_sha256", lambda: "0" * 64)
    with pytest.raises(InputError, match="another version of the model"):
        resume(copy)


def test_a_machine_with_another_arithmetic_is_refused(copy, monkeypatch):
    from escalation.model import compile as compiler

    honest = compiler.onset_anchor
    monkeypatch.setattr(compiler, "onset_anchor", lambda *given: honest(*given) * (1 + 1e-4))
    with pytest.raises(InputError, match="computes other tables"):
        resume(copy)


def test_blocks_with_other_tables_are_not_added_up():
    from escalation.contracts.tallies import empty_tallies
    from escalation.simulation.accumulate import Counts

    study = little()
    place = study.flashpoints["taiwan_strait"]
    tallies = empty_tallies(2, len(place.third_parties), study.horizon_years)
    counts = Counts(study, 2)
    first, second = (
        Block("expected_utility", "taiwan_strait", "trilateral", 0, 2, n, 5) for n in (0, 5)
    )
    counts.add(first, BlockCounts(tallies, np.array([1, 2])))
    counts.add(second, BlockCounts(tallies, np.array([1, 2])))
    with pytest.raises(ResultsError, match="arithmetic differs"):
        counts.add(second, BlockCounts(tallies, np.array([1, 3])))


def test_two_at_once_are_refused(copy, whole):
    with lock.held(copy):
        assert "process" in lock.holder(copy)
        refused = call("resume", copy)
        assert refused.exit_code == 2
        assert "in use by process" in refused.output
        assert len(refused.output.strip().splitlines()) == 1
        assert campaign_status(copy).holder
    assert not lock.holder(copy), "the text stays, the lock does not"
    ends = []
    both = [
        threading.Thread(target=lambda: ends.append(call("resume", copy, "--no-figures")))
        for _ in range(2)
    ]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert 0 in [end.exit_code for end in ends]
    assert digest(copy) == digest(whole)


def test_status_is_what_the_results_say(whole):
    status, ds = campaign_status(whole), open_results(whole)
    assert status.finished
    assert (status.draws, status.trajectories) == (4, 60)
    assert status.blocks_done == status.blocks
    assert status.histories_done == status.histories
    assert status.rate > 0
    assert status.seconds_left == 0
    assert len(status.estimates) == 2 * len(compared_structures(little()))
    names = ("war", "great_power_war")
    told = estimates(ds, [f"p_{name}" for name in names])
    for found in status.estimates:
        cell = {"quantity": f"p_{found.event}", "flashpoint": found.flashpoint,
                "structure": found.structure}  # fmt: skip
        wanted = {name: array.sel(cell).item() for name, array in told.items()}
        assert (found.probability, found.hits, found.histories) == (
            wanted["mean"], wanted["hits"], wanted["trials"],
        )  # fmt: skip
        assert (found.draws_low, found.draws_high) == (wanted["low"], wanted["high"])
        assert found.low < found.probability < found.high


def test_status_half_way_and_as_json(tmp_path):
    class Enough(Exception):
        pass

    seen = []

    def stop(*block: object) -> None:
        seen.append(block)
        if len(seen) == 9:
            raise Enough

    with pytest.raises(Enough):
        tools.simulate(tmp_path / "half", stop)
    status = campaign_status(tmp_path / "half")
    assert status.blocks_done == 9 < status.blocks
    assert not status.finished
    assert status.seconds_left > 0
    text = call("status", tmp_path / "half")
    assert text.exit_code == 0
    assert text.output.strip() == format_status(status)
    assert f"9 of {status.blocks} blocks" in text.output
    assert "P(great-power war)" in text.output
    found = json.loads(call("status", tmp_path / "half", "--json").output)
    assert found["blocks_done"] == 9
    assert found["estimates"][0]["histories"] == status.estimates[0].histories


def test_nothing_seen_has_an_upper_bound():
    from escalation.contracts import codes
    from escalation.contracts.tallies import empty_tallies

    study, seen = little(), Seen(little())
    assert seen.estimates("taiwan_strait", "war") == {}
    parties = len(study.flashpoints["taiwan_strait"].third_parties)
    tallies = empty_tallies(2, parties, study.horizon_years)
    tallies.replicate[1, 3, codes.REPLICATED.index("great_power_war")] = 1
    block = Block("expected_utility", "taiwan_strait", "trilateral", 0, 2, 0, 10)
    seen.add(block, BlockCounts(tallies, np.zeros(2, int)))
    found = seen.estimates("taiwan_strait", "war")["trilateral"]
    assert found.probability == 0
    assert found.high == pytest.approx(1 - 0.05 ** (1 / 20))
    assert seen.estimates("taiwan_strait", "great_power_war")["trilateral"].hits == 1


def test_the_progress_display_shows_estimates_with_their_intervals(copy):
    from escalation.cli.campaign_command import _Note

    note = _Note(little())
    assert note.text() == ""
    resume(Store(copy, watch=note.add))
    war = [e for e in campaign_status(copy).estimates if e.event == "war"]
    for found in war[:2]:
        assert f"{found.structure} {estimate_words(found)}" in note.text()
    assert [e.structure for e in war[:2]] == ["hub_and_spoke", "asian_nato"]


def test_every_block_has_a_row_that_a_program_can_read(whole):
    with closing(sqlite3.connect(whole / "campaign.sqlite3")) as connection:
        rows = connection.execute("SELECT * FROM row").fetchall()
    keys = [json.loads(row[1]) for row in rows]
    assert {key[0] for key in keys} == {"block", "parameters"}
    assert {key[1] for key in keys} == {
        "study", "sweep provocation_stake", "companion neutral, prior",
    }
    ds = open_results(whole)
    war = 0
    for key, (_, _, facts, _, checksum, seconds, time, host) in zip(keys, rows, strict=True):
        assert len(checksum) == 64
        assert seconds >= 0
        assert time
        assert host
        if key[:2] == ["block", "study"]:
            found = json.loads(facts)
            assert found["histories"] == (key[6] - key[5]) * key[8]
            war += found["hits"]["war"]
    assert war == int(ds.first_event_count.sel(event="war").sum())


def test_command_line_begins_resumes_and_extends(tmp_path):
    study, folder = tools.little_file(tmp_path), tmp_path / "campaign"
    begun = call("run", study, "--campaign", folder, "--draws", 2, "--trajectories", 20)
    assert begun.exit_code == 0, begun.output
    assert "fewer: worlds of 100" in " ".join(begun.output.split())
    assert (folder / "decision_table.csv").is_file()
    assert list((folder / "figures").glob("*.png"))
    before = digest(folder)
    assert call("resume", folder, "--no-figures").exit_code == 0
    assert digest(folder) == before
    assert call("run", study, "--campaign", folder, "--draws", 3, "--no-figures").exit_code == 0
    assert open_results(folder).sizes["draw"] == 3
    refused = call("run", study, "--campaign", folder, "-o", tmp_path / "x.nc")
    assert refused.exit_code == 2
    assert "own folder" in refused.output


def test_what_a_killed_process_left_is_cleared_away(copy, whole):
    (copy / ".escalation-0.partial").write_bytes(b"half")
    said: list[str] = []
    resume(Store(copy, say=said.append))
    assert said == [".escalation-0.partial: removed, a write was cut off"]
    assert sorted(p.name for p in copy.iterdir()) == sorted(p.name for p in whole.iterdir())
    shutil.rmtree(copy)


def test_a_posterior_made_in_python_can_be_kept(tmp_path):
    from posteriors import made_up

    size = {"draws": 2, "trajectories": 10, "sweep": False}
    ds = escalation.run(little(), store=tmp_path, source=made_up(), **size)
    assert ds.attrs["parameter_source"] == "posterior"
    assert Path(tmp_path / "results.nc").is_file()
    with pytest.raises(InputError, match="posterior: the campaign has"):
        escalation.run(little(), store=tmp_path, **size)


def test_the_checksum_of_the_model_covers_all_that_draws_are_made_with():
    """Another room or file that those of the model import may change what is drawn."""
    package = Path(provenance.__file__).parent
    rooms = [name for name in provenance._MODEL if not name.endswith(".py")]
    imported = {
        found.replace(".", "/") + ".py"
        for room in rooms for file in (package / room).glob("*.py")
        for found in re.findall(r"from escalation\.(statistics\.\w+) import", file.read_text())
    }  # fmt: skip
    assert imported
    assert imported <= set(provenance._MODEL)
