"""Campaigns that somebody touched: what is not theirs is left alone, what was changed is named."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import campaign_tools as tools
import pytest
from campaign_tools import CONFIGS, digest, little

from escalation.errors import InputError
from escalation.simulation.campaign import resume_campaign, run_campaign
from escalation.simulation.campaign_plan import load_plan
from escalation.simulation.entries import well_formed
from escalation.simulation.journal import Journal, _link
from escalation.simulation.seals import canonical, encode
from escalation.simulation.status import campaign_status
from escalation.study import parse_study

TEXT = tools.TEXT.replace("DESIGN", "sobol")
HOSTILE = (0, -1, 2**70, 0.5, "x", "", None, True, [], {}, [["a", "b"]], [[1]], "../../etc/passwd")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "campaign"
    tools.play(folder)
    return folder


@pytest.fixture
def copy(whole, tmp_path):
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def other_words() -> str:
    """The same study in other words: a comment, keys in another order, other notation."""
    lines = [line for line in TEXT.splitlines() if line]
    moved = [lines[0], *reversed(lines[1:])]
    text = "# Thought over again.\n" + "\n\n".join(moved) + "   # so be it\n"
    return text.replace("s: 60", "s:   60").replace("[asian_nato]", '["asian_nato"]')


def test_other_words_for_the_same_study_continue_its_campaign(copy, whole):
    said: list[str] = []
    run_campaign(parse_study(other_words(), CONFIGS), copy, say=said.append)
    assert any("text has changed, though not what it says" in line for line in said)
    assert digest(copy) == digest(whole)
    said.clear()
    run_campaign(little(), copy, say=said.append)
    assert not said


@pytest.mark.parametrize(("old", "new", "where"), [
    ("name: little", "name: little\nhorizon_years: 9", "another horizon_years;"),
    ("name: little", "name: little\ntitle: Another", "another title;"),
    ("seed: 3", "seed: 4", "another plan.seed;"),
    ("draws: 4", "draws: 5", "another plan.draws; leave the file as it was and extend"),
    ("structures/trilateral.yaml, structures/asian_nato.yaml",
     "structures/asian_nato.yaml, structures/trilateral.yaml", "another order of names;"),
])  # fmt: skip
def test_another_meaning_is_named(copy, old, new, where):
    changed = parse_study(TEXT.replace(old, new), CONFIGS)
    assert changed.sha256 != little().sha256
    with pytest.raises(InputError) as refusal:
        run_campaign(changed, copy)
    assert f"study: the campaign has {where}" in str(refusal.value)
    assert "\n" not in str(refusal.value)


STRANGERS = (".nfs000001", ".DS_Store", "notes~", "x.sealed", "\u202e.sealed", "a\x1b[2J.txt")


def test_strangers_are_named_and_left_alone(copy, whole):
    for name in STRANGERS:
        (copy / "blocks" / name).write_text("dear", encoding="utf-8")
        (copy / "parameters" / name).write_text("dear", encoding="utf-8")
    for folder in ("sub", f"{0:024x}.sealed"):
        (copy / "blocks" / folder).mkdir()
        (copy / "blocks" / folder / "mine").write_text("dear", encoding="utf-8")
    (copy / "blocks" / ".escalation-0.partial").mkdir()
    before = sorted(path for path in copy.rglob("*"))
    for repair in (False, True):
        said: list[str] = []
        resume_campaign(copy, repair=repair, say=said.append)
        assert digest(copy) == digest(whole)
        assert sorted(path for path in copy.rglob("*")) == before
        assert len(said) == 11
        assert said[-1] == "and 5 more that are not of this campaign"
        assert all("not of this campaign, left alone" in line for line in said[:-1])
        assert all(line.isprintable() for line in said)


def test_a_campaign_begins_beside_hidden_files(tmp_path):
    (tmp_path / ".DS_Store").write_text("dear", encoding="utf-8")
    tools.play(tmp_path)
    assert (tmp_path / ".DS_Store").exists()


def test_a_folder_in_place_of_a_block_is_one_line(copy):
    block = sorted((copy / "blocks").iterdir())[0]
    block.unlink()
    block.mkdir()
    (block / "mine").write_text("dear", encoding="utf-8")
    for repair, words in ((False, "Is a directory"), (True, "a folder; move it away")):
        with pytest.raises(InputError, match=f"{block.name}: .*{words}"):
            resume_campaign(copy, repair=repair)
        assert (block / "mine").exists()


def sealed_plan(folder: Path, **changes: object) -> None:
    """Change the plan and put the right checksum on it."""
    body = json.loads((folder / "campaign.json").read_text(encoding="ascii"))
    body |= changes
    body.pop("sha256")
    body["sha256"] = hashlib.sha256(canonical(body)).hexdigest()
    text = json.dumps(body, indent=1, sort_keys=True) + "\n"
    (folder / "campaign.json").write_text(text, encoding="ascii")


def test_no_value_of_a_plan_changes_the_results_in_silence(copy, whole):
    plan = json.loads((whole / "campaign.json").read_text(encoding="ascii"))
    identity = load_plan(whole).identity
    accepted = set()
    for name in [name for name in plan if name != "sha256"] + ["unknown"]:
        for value in HOSTILE:
            shutil.copy(whole / "campaign.json", copy / "campaign.json")
            sealed_plan(copy, **{name: value})
            refusal = refused_plan(copy)
            assert "\n" not in refusal
            if not refusal and value != plan[name] and load_plan(copy).identity == identity:
                accepted.add(name)
    assert accepted == {"created"}, "which stands in no results"


def refused_plan(folder: Path) -> str:
    try:
        load_plan(folder)
    except InputError as refusal:
        return str(refusal)
    return ""


@pytest.mark.parametrize("changes", [
    {"packages": {"python": "0"}}, {"git": "x"}, {"sweep": False}, {"sizes": [[2, 60]]},
    {"sizes": [[4, 60], [4, 90]]}, {"seed": 4}, {"block_size": 37}, {"created": "long ago"},
    {"defaults": True},
])  # fmt: skip
def test_a_plan_that_was_changed_and_sealed_again(copy, whole, changes):
    sealed_plan(copy, **changes)
    files = {path: path.read_bytes() for path in (copy / "blocks").iterdir()}
    if changes == {"sizes": [[4, 60], [4, 90]]}:
        run_campaign(little(), whole.parent / "grown", block_size=tools.BLOCK_SIZE, trajectories=90)
        resume_campaign(copy)
        assert digest(copy) == digest(whole.parent / "grown"), "that is how a campaign grows"
        return
    if "created" in changes:
        resume_campaign(copy)
        assert digest(copy) == digest(whole)
        return
    with pytest.raises(InputError):
        resume_campaign(copy)
    assert {path: path.read_bytes() for path in (copy / "blocks").iterdir()} == files


def chained(folder: Path, number: int, changes: dict[str, object]) -> None:
    """Change a line of the journal and chain it and all that follow anew."""
    journal = folder / "journal.jsonl"
    chain, lines = "", []
    for n, line in enumerate(journal.read_bytes().splitlines()):
        entry = json.loads(line)
        entry.pop("chain")
        entry |= changes if n == number else {}
        chain = _link(chain, entry)
        lines.append(canonical({**entry, "chain": chain}) + b"\n")
    journal.write_bytes(b"".join(lines))


def test_lines_of_a_journal_that_were_changed_and_chained_again(copy, whole):
    journal = (whole / "journal.jsonl").read_bytes()
    entries = [json.loads(line) for line in journal.splitlines()]
    kinds = {entry["kind"]: n for n, entry in enumerate(entries)}
    accepted = set()
    for number in kinds.values():
        for key in [key for key in entries[number] if key != "chain"] + ["unknown"]:
            for value in (7, 2**70, "../x"):
                (copy / "journal.jsonl").write_bytes(journal)
                chained(copy, number, {key: value})
                if value != entries[number].get(key) and not refused_journal(copy):
                    accepted.add(key)
    assert accepted == {"seconds", "time", "host"}, "which stand in no results"


def refused_journal(folder: Path) -> str:
    try:
        Journal(folder, well_formed).read()
        resume_campaign(folder)
    except InputError as refusal:
        return str(refusal)
    return ""


def test_a_comment_in_the_text_of_a_plan_is_noticed(copy):
    texts = [list(pair) for pair in load_plan(copy).study_text]
    texts[0][1] += "# more\n"
    sealed_plan(copy, study_text=texts)
    with pytest.raises(InputError, match="from another campaign"):
        resume_campaign(copy)


def test_lines_that_are_no_entries(copy):
    journal = copy / "journal.jsonl"
    honest = journal.read_bytes()
    for line in (b"[" * 100_000, b"null", b"{}", b'{"chain": 1}', b"\xff", b"[1]", b"1e999"):
        journal.write_bytes(honest + line + b"\n")
        for look in (resume_campaign, campaign_status):
            with pytest.raises(InputError, match=r"journal\.jsonl: line \d+ is damaged"):
                look(copy)


def test_sealed_blocks_with_other_content(copy, whole):
    plan = load_plan(copy)
    block = sorted((copy / "blocks").iterdir())[0]
    file = f"blocks/{block.name}"
    head = {"file": file, "campaign": plan.identity}
    for header in ({}, {"kind": "block"}, {"kind": "block", "block": {}}, {"kind": "parameters"},
                   {"kind": "block", "block": 3}, {"kind": "x", "block": {"rule": 1}}):
        block.write_bytes(encode({**head, **header}, {}))
        with pytest.raises(InputError, match=block.name):
            resume_campaign(copy)
    resume_campaign(copy, repair=True)
    assert digest(copy) == digest(whole)
