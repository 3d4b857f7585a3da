"""Campaigns: the same counts as a run, extension to the same bytes, status, lock, refusals."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import campaign_tools as tools
import numpy as np
import pytest
import xarray as xr
from campaign_tools import digest, little
from click.testing import CliRunner

import escalation
from escalation.cli.app import main
from escalation.errors import InputError, ResultsError
from escalation.report.campaign_report import estimate_words, format_status
from escalation.results import estimates, open_results
from escalation.simulation import campaign, lock
from escalation.simulation.campaign import resume_campaign, run_campaign
from escalation.simulation.journal import Journal
from escalation.simulation.seals import decode, encode
from escalation.simulation.simulator import rectangles
from escalation.simulation.status import Seen, campaign_status
from escalation.simulation.workload import compared_structures

BLOCK = {"block_size": tools.BLOCK_SIZE}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A finished campaign of 4 draws x 60 trajectories."""
    folder = tmp_path_factory.mktemp("whole") / "campaign"
    run_campaign(little(), folder, **BLOCK)
    return folder


@pytest.fixture
def copy(whole, tmp_path):
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def call(*arguments: object):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_counts_are_those_of_a_run(whole):
    ds, plain = open_results(whole), escalation.run(little())
    for name in plain.variables:
        xr.testing.assert_identical(ds[name], plain[name])
    differing = {k for k in plain.attrs if plain.attrs[k] != ds.attrs.get(k)}
    assert differing <= {"created", "package_versions"}
    assert json.loads(ds.attrs["package_versions"]) == json.loads(plain.attrs["package_versions"])
    assert "created" not in ds.attrs, "campaigns that are alike end in the same bytes"


def test_threads_and_block_size_do_not_matter(whole, tmp_path):
    run_campaign(little(), tmp_path / "a", threads=2, block_size=37)
    assert digest(tmp_path / "a") == digest(whole)
    run_campaign(little(), tmp_path / "b", seed=4, **BLOCK)
    assert digest(tmp_path / "b") != digest(whole)


def test_a_resumed_campaign_plays_no_block_twice(copy, monkeypatch):
    from escalation.simulation.simulator import Workshop

    played = []
    honest = Workshop._play

    def note(self, block):
        played.append(block)
        return honest(self, block)

    monkeypatch.setattr(Workshop, "_play", note)
    before = (copy / "journal.jsonl").read_bytes()
    resume_campaign(copy)
    assert not played
    assert (copy / "journal.jsonl").read_bytes() == before
    gone = sorted((copy / "blocks").iterdir())[:2]
    for path in gone:
        path.unlink()
    resume_campaign(copy, repair=True)
    assert len(played) == len(gone)


@pytest.mark.parametrize("steps", [
    [{"draws": 4, "trajectories": 60}, {"draws": 7}],
    [{"draws": 4, "trajectories": 60}, {"trajectories": 130}],
    [{"draws": 2, "trajectories": 30}, {"draws": 3, "trajectories": 90}, {"draws": 7}],
])  # fmt: skip
def test_extension_equals_a_campaign_of_that_size(tmp_path, steps):
    for step in steps:
        run_campaign(little(), tmp_path / "grown", **step, **BLOCK)
    size = {name: max(s.get(name, 0) for s in steps) for name in ("draws", "trajectories")}
    run_campaign(little(), tmp_path / "fresh", **size, **BLOCK)
    assert digest(tmp_path / "grown") == digest(tmp_path / "fresh")
    kept = {path.name for path in (tmp_path / "grown" / "blocks").iterdir()}
    first = tmp_path / "first"
    run_campaign(little(), first, **steps[0], **BLOCK)
    assert {path.name for path in (first / "blocks").iterdir()} <= kept


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
    run_campaign(study, tmp_path, **BLOCK)
    with pytest.raises(InputError, match="more draws of a latin_hypercube do not extend"):
        run_campaign(study, tmp_path, draws=5)
    run_campaign(study, tmp_path, trajectories=70)
    assert open_results(tmp_path).attrs["trajectories"] == 70


@pytest.mark.parametrize(("change", "words"), [
    ({"seed": 4}, "seed: the campaign has 3, not 4"),
    ({"draws": 2}, "draws: 2 is less than the 4"),
    ({"trajectories": 59}, "trajectories: 59 is less than the 60"),
    ({"draws": 0}, "draws: 0 is not a whole number"),
    ({"defaults": True}, "defaults: the campaign has False, not True"),
    ({"prior": True}, "posterior: the campaign has"),
    ({"sweep": False}, "sweep: the campaign has True, not False"),
])  # fmt: skip
def test_another_question_is_refused(copy, change, words):
    before = {path: path.read_bytes() for path in copy.rglob("*.*")}
    with pytest.raises(InputError, match=words):
        run_campaign(little(), copy, **change)
    assert {path: path.read_bytes() for path in copy.rglob("*.*")} == before


def test_another_study_and_another_folder_are_refused(copy, tmp_path, study):
    with pytest.raises(InputError, match="study: the campaign has another name"):
        run_campaign(study, copy)
    changed = little().model_copy(update={"horizon_years": 2})
    with pytest.raises(InputError, match="changed after it was read"):
        run_campaign(changed, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(InputError, match="holds something else"):
        run_campaign(little(), tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]
    for place in (tmp_path / "none", tmp_path / "mine", "a\0b", "x" * 300):
        with pytest.raises(InputError, match="holds no campaign"):
            resume_campaign(place)
        with pytest.raises(InputError, match="holds no campaign"):
            campaign_status(place)
    for name in ("a\0b", "x" * 300, tmp_path / "mine" / "letter.txt"):
        with pytest.raises(InputError, match="cannot use folder"):
            run_campaign(little(), name)


def test_resume_needs_neither_study_files_nor_the_shipped_posterior(copy, whole, monkeypatch):
    from escalation.parameters import posterior

    monkeypatch.chdir(copy.parent)
    monkeypatch.setattr(posterior, "SHIPPED", copy / "nowhere.csv")
    for path in sorted((copy / "blocks").iterdir())[::2]:
        path.unlink()
    resume_campaign(copy, repair=True)
    assert digest(copy) == digest(whole)


def test_another_version_of_the_model_is_refused(copy, monkeypatch):
    monkeypatch.setattr(campaign, "model_sha256", lambda: "0" * 64)
    with pytest.raises(InputError, match="another version of the model"):
        resume_campaign(copy)


def test_a_machine_with_another_arithmetic_is_refused(copy, monkeypatch):
    from escalation.model import compile as module

    honest = module.onset_anchor
    monkeypatch.setattr(
        module, "onset_anchor", lambda *given: honest(*given) * (1 + 1e-4)
    )
    with pytest.raises(InputError, match="computes other tables"):
        resume_campaign(copy)


def test_blocks_with_other_tables_are_not_added_up():
    from escalation.contracts.tallies import empty_tallies
    from escalation.simulation.simulator import Block, Counts, Played

    study = little()
    place = study.flashpoints["taiwan_strait"]
    tallies = empty_tallies(2, len(place.third_parties), study.horizon_years)
    counts = Counts(study, 2)
    first, second = (
        Block("expected_utility", "taiwan_strait", "trilateral", 0, 2, n, 5) for n in (0, 5)
    )
    counts.add(first, Played(tallies, np.array([1, 2])))
    counts.add(second, Played(tallies, np.array([1, 2])))
    with pytest.raises(ResultsError, match="arithmetic differs"):
        counts.add(second, Played(tallies, np.array([1, 3])))


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
    assert status.blocks_done == status.blocks == len(list((whole / "blocks").iterdir()))
    assert status.histories_done == status.histories
    assert status.rate > 0
    assert status.seconds_left == 0
    assert len(status.estimates) == 2 * len(compared_structures(little()))
    for found in status.estimates:
        cell = ds.sel(flashpoint=found.flashpoint, structure=found.structure)
        cell = cell.isel(decision_rule=0) if "decision_rule" in cell.dims else cell
        share = cell[f"p_{found.event}"]
        assert found.probability == pytest.approx(float(share.mean()))
        counted = estimates(ds, [f"p_{found.event}"]).isel(quantity=0)
        counted = counted.sel(flashpoint=found.flashpoint, structure=found.structure)
        assert found.draws_low == pytest.approx(float(counted["low"]), abs=0.03)
        assert found.draws_high == pytest.approx(float(counted["high"]), abs=0.03)
        assert found.low < found.probability < found.high


def test_status_half_way_and_as_json(copy, whole):
    journal = copy / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[: len(lines) // 2]))
    status = campaign_status(copy)
    blocks = sum(b'"kind":"block"' in line for line in lines[: len(lines) // 2])
    assert status.blocks_done == blocks < status.blocks
    assert not status.finished
    assert status.seconds_left > 0
    text = call("status", copy)
    assert text.exit_code == 0
    assert text.output.strip() == format_status(status)
    assert f"{blocks} of {status.blocks} blocks" in text.output
    assert "P(great-power war)" in text.output
    found = json.loads(call("status", copy, "--json").output)
    assert found["blocks_done"] == blocks
    assert found["estimates"][0]["histories"] == status.estimates[0].histories


def test_nothing_seen_has_an_upper_bound():
    seen = Seen(little())
    assert seen.estimate("taiwan_strait", "trilateral", "war") is None
    seen.add({
        "part": "study", "rule": "expected_utility", "flashpoint": "taiwan_strait",
        "structure": "trilateral", "begin": 0, "end": 2, "count": 10,
        "hits": {"war": [0, 0], "great_power_war": [0, 1]},
    })  # fmt: skip
    found = seen.estimate("taiwan_strait", "trilateral", "war")
    assert found.probability == 0
    assert found.high == pytest.approx(1 - 0.05 ** (1 / 20))
    assert seen.estimate("taiwan_strait", "trilateral", "great_power_war").hits == 1


def test_the_progress_display_shows_estimates_with_their_intervals(whole):
    from escalation.cli.campaign_command import _Note

    note = _Note(little())
    assert note.text() == ""
    journal = Journal(whole)
    journal.read()
    for entry in journal.entries:
        note.add(entry)
    war = [e for e in campaign_status(whole).estimates if e.event == "war"]
    for found in war[:2]:
        assert f"{found.structure} {estimate_words(found)}" in note.text()
    assert [e.structure for e in war[:2]] == ["hub_and_spoke", "asian_nato"]


def test_every_block_has_a_line_that_a_program_can_read(whole):
    lines = (whole / "journal.jsonl").read_text(encoding="ascii").splitlines()
    entries = [json.loads(line) for line in lines]
    blocks = [entry for entry in entries if entry["kind"] == "block"]
    assert {entry["file"] for entry in entries} == {
        str(path.relative_to(whole)) for path in whole.rglob("*.sealed")
    }
    for entry in blocks:
        assert {"part", "structure", "histories", "seconds", "time", "host", "hits",
                "tables", "sha256"} <= set(entry)
    assert {entry["part"] for entry in blocks} == {"study", "sweep provocation_stake", "prior"}


def test_command_line_begins_resumes_and_extends(tmp_path):
    study, folder = tools.little_file(tmp_path), tmp_path / "campaign"
    begun = call("run", study, "--campaign", folder, "--draws", 2, "--trajectories", 20)
    assert begun.exit_code == 0, begun.output
    assert "P(war" in begun.output
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


def test_sealed_files_bring_back_what_was_put_in():
    arrays = {
        "small": np.array([[0, 255]]), "large": np.array([2**40, 0]), "none": np.zeros((0, 3), int),
        "exact": np.array([0.1, -np.pi, 5e-324]),
    }  # fmt: skip
    content = encode({"a": [1, "é"]}, arrays)
    assert encode({"a": [1, "é"]}, arrays) == content
    back = decode(content)
    assert back.header == {"a": [1, "é"]}
    for name, array in arrays.items():
        assert np.array_equal(back.arrays[name], array)
        assert back.arrays[name].dtype == array.dtype
    for bit in range(0, 8 * len(content), 5):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ValueError, match="damaged"):
            decode(bytes(damaged))
    with pytest.raises(ValueError, match="negative"):
        encode({}, {"a": np.array([-1])})


def test_a_torn_line_is_dropped_and_written_over(tmp_path):
    journal = Journal(tmp_path)
    for n in range(3):
        journal.append({"n": n})
    with open(journal.path, "ab") as file:
        file.write(b'{"n":3,"cha')
    again = Journal(tmp_path)
    again.read()
    assert again.torn
    assert [entry["n"] for entry in again.entries] == [0, 1, 2]
    again.append({"n": 4})
    last = Journal(tmp_path)
    last.read()
    assert not last.torn
    assert [entry["n"] for entry in last.entries] == [0, 1, 2, 4]
