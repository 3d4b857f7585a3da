"""Campaigns that somebody touched: what is not theirs is left alone, what was changed is named."""

from __future__ import annotations

import json
from pathlib import Path

import campaign_tools as tools
import pytest
from campaign_tools import CONFIGS, digest, little

import escalation
from escalation.errors import InputError
from escalation.simulation import database
from escalation.simulation.database import NAME, Row, row_checksum
from escalation.simulation.manifest import canonical, checksum
from escalation.simulation.run import resume
from escalation.simulation.status import campaign_status
from escalation.simulation.store import Store
from escalation.study import parse_study

TEXT = tools.TEXT.replace("DESIGN", "sobol")
HOSTILE = (0, -1, 2**70, 0.5, "x", "", None, True, [], {}, [["a", "b"]], [[1]], "../../etc/passwd")


def other_words() -> str:
    """The same study in other words: a comment, keys in another order, other notation."""
    lines = [line for line in TEXT.splitlines() if line]
    moved = [lines[0], *reversed(lines[1:])]
    text = "# Thought over again.\n" + "\n\n".join(moved) + "   # so be it\n"
    return text.replace("s: 60", "s:   60").replace("[asian_nato]", '["asian_nato"]')


def test_other_words_for_the_same_study_continue_its_campaign(copy, whole):
    said: list[str] = []
    store = Store(copy, say=said.append)
    escalation.run(parse_study(other_words(), CONFIGS), store=store)
    assert any("text has changed, though not what it says" in line for line in said)
    assert digest(copy) == digest(whole)
    said.clear()
    escalation.run(little(), store=store)
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
        escalation.run(changed, store=copy)
    assert f"study: the campaign has {where}" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_strangers_are_left_alone(copy, whole):
    for name in (".nfs000001", ".DS_Store", "notes~", "x.sqlite3", "\u202e.nc", "a\x1b[2J.txt"):
        (copy / name).write_text("dear", encoding="utf-8")
    (copy / "sub").mkdir()
    (copy / "sub" / "mine").write_text("dear", encoding="utf-8")
    (copy / ".escalation-0.partial").mkdir()
    before = sorted(path for path in copy.rglob("*"))
    for repair in (False, True):
        said: list[str] = []
        resume(Store(copy, repair=repair, say=said.append))
        assert digest(copy) == digest(whole)
        assert sorted(path for path in copy.rglob("*")) == before
        assert not said


def test_a_campaign_begins_beside_hidden_files(tmp_path):
    (tmp_path / ".DS_Store").write_text("dear", encoding="utf-8")
    escalation.run(little(), store=tmp_path, draws=1, trajectories=2, sweep=False)
    assert (tmp_path / ".DS_Store").exists()


def test_a_folder_in_place_of_the_file_is_one_line(copy):
    (copy / NAME).unlink()
    (copy / NAME).mkdir()
    (copy / NAME / "mine").write_text("dear", encoding="utf-8")
    for repair in (False, True):
        with pytest.raises(InputError, match=f"{NAME}: cannot be used: ") as refusal:
            resume(Store(copy, repair=repair))
        assert "\n" not in str(refusal.value)
    assert (copy / NAME / "mine").exists()


def manifest_with(folder: Path, **changes: object) -> None:
    """Change the manifest and put the right checksum on it."""
    (text,), = tools.sql(folder, "SELECT body FROM manifest")
    body = canonical({**json.loads(text), **changes}).decode("ascii")
    tools.sql(folder, "UPDATE manifest SET body = ?, checksum = ?", body, checksum(body))


def refused_manifest(folder: Path) -> str:
    try:
        Store(folder).manifest()
    except InputError as refusal:
        return str(refusal)
    return ""


def test_no_value_of_a_manifest_changes_the_results_in_silence(copy, whole):
    honest = (whole / NAME).read_bytes()
    (text,), = tools.sql(whole, "SELECT body FROM manifest")
    body, identity = json.loads(text), Store(whole).manifest().identity
    accepted = set()
    for name in [*body, "unknown"]:
        for value in HOSTILE:
            (copy / NAME).write_bytes(honest)
            manifest_with(copy, **{name: value})
            refusal = refused_manifest(copy)
            assert "\n" not in refusal
            if not refusal and value != body[name] and Store(copy).manifest().identity == identity:
                accepted.add(name)
    assert accepted == {"created"}, "which stands in no results"


@pytest.mark.parametrize("changes", [
    {"packages": {"python": "0"}}, {"git": "x"}, {"sweep": []}, {"sizes": [[2, 60]]},
    {"sizes": [[4, 60], [4, 90]]}, {"seed": 4}, {"block_size": 37}, {"created": "long ago"},
    {"defaults": True}, {"pinned": {"forced_choice": 1.5}}, {"posterior": ""},
    {"design": "latin_hypercube"},
])  # fmt: skip
def test_a_manifest_that_was_changed_and_sealed_again(copy, whole, tmp_path, changes):
    manifest_with(copy, **changes)
    keys = tools.keys_of(copy)
    if changes == {"sizes": [[4, 60], [4, 90]]}:
        resume(copy)
        grown = {"block_size": tools.BLOCK_SIZE, "trajectories": 90}
        escalation.run(little(), store=tmp_path / "grown", **grown)
        assert digest(copy) == digest(tmp_path / "grown"), "that is how a campaign grows"
        return
    if "created" in changes:
        resume(copy)
        assert digest(copy) == digest(whole)
        return
    with pytest.raises(InputError):
        resume(copy)
    assert tools.keys_of(copy) == keys


def test_a_comment_in_the_text_of_a_manifest_is_noticed(copy):
    texts = [list(pair) for pair in Store(copy).manifest().study_text]
    texts[0][1] += "# more\n"
    manifest_with(copy, study_text=texts)
    with pytest.raises(InputError, match="of another campaign"):
        resume(copy)


def row_with(folder: Path, number: int, **changes: object) -> None:
    """Change a row and put the right checksum on it."""
    for name, value in changes.items():
        tools.sql(folder, f"UPDATE row SET {name} = ? WHERE id = ?", value, number)
    row = Row(*tools.sql(folder, "SELECT * FROM row WHERE id = ?", number)[0])
    seal = row_checksum(Store(folder).manifest().identity, row)
    tools.sql(folder, "UPDATE row SET checksum = ? WHERE id = ?", seal, number)


VALUES = (7, "../x", b"\xff")


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize("column", ["key", "facts", "payload", "checksum"])
def test_rows_that_were_changed(copy, whole, column, sealed):
    """Those that stand in a result are refused, sealed again or not, with one line each."""
    for value in VALUES:
        row_changed(copy, sealed and column != "checksum", **{column: value})
        with pytest.raises(InputError, match=NAME):
            resume(copy)
        (copy / NAME).write_bytes((whole / NAME).read_bytes())


@pytest.mark.parametrize("sealed", [False, True])
def test_what_stands_in_no_result_may_change(copy, whole, sealed):
    for value in VALUES:
        row_changed(copy, sealed, seconds=value, time=value, host=value)
        resume(copy)
        assert digest(copy) == digest(whole)
        (copy / NAME).write_bytes((whole / NAME).read_bytes())


def row_changed(folder: Path, sealed: bool, **changes: object) -> None:
    """Change the third row, with the right checksum on it or not."""
    if sealed:
        row_with(folder, 3, **changes)
    for column, value in changes.items() if not sealed else ():
        tools.sql(folder, f"UPDATE row SET {column} = ? WHERE id = 3", value)


def forged(folder: Path) -> None:
    """Put the counts of one block in the place of another's, rightly sealed."""
    blocks = tools.sql(folder, "SELECT id, facts, payload FROM row WHERE key LIKE '[\"block\",%'")
    (number, *_), (_, facts, payload) = blocks[0], blocks[-1]
    row_with(folder, number, facts=facts, payload=payload)


@pytest.mark.parametrize("strike", [
    "DELETE FROM row WHERE id = 3",
    "DELETE FROM row WHERE id > 5",
    "DELETE FROM row",
    "INSERT INTO row SELECT id + 1000, key, facts, payload, checksum, seconds, time, host "
    "FROM row WHERE id = 3",
    "DELETE FROM sums",
    "UPDATE sums SET number = number + 1",
    "UPDATE sums SET sum = '0'",
    "INSERT INTO sums SELECT * FROM sums",
    "forged", "forged, and rows after it removed", "forged, and the sums removed",
])  # fmt: skip
def test_rows_that_were_removed_added_or_forged_are_trusted_no_more(copy, whole, strike):
    if strike.startswith("forged"):
        forged(copy)
    if "rows after it" in strike:
        tools.sql(copy, "DELETE FROM row WHERE id > 3")
    if "sums removed" in strike:
        tools.sql(copy, "DELETE FROM sums")
    if not strike.startswith("forged"):
        tools.sql(copy, strike)
    for look in (resume, campaign_status):
        with pytest.raises(InputError, match="some were removed, added or edited"):
            look(copy)
    resume(Store(copy, repair=True))
    assert digest(copy) == digest(whole)
    resume(copy)


def test_a_row_that_is_made_anew_must_be_what_it_was(copy, whole, monkeypatch):
    """Damage must not let another machine's numbers in."""
    key = '["block","companion neutral, prior"%'
    tools.sql(copy, f"UPDATE row SET payload = x'00' WHERE key LIKE '{key}'")
    from escalation.simulation.simulator import LocalSimulator

    honest = LocalSimulator._simulate

    def other(self, block):
        found = honest(self, block)
        found.tallies.total[...] += block.part.startswith("companion")
        return found

    monkeypatch.setattr(LocalSimulator, "_simulate", other)
    with pytest.raises(InputError, match="made anew, it differs from what was written"):
        resume(Store(copy, repair=True))


@pytest.mark.parametrize("command", [
    "CREATE TRIGGER more AFTER INSERT ON row BEGIN DELETE FROM row WHERE id = 1; END",
    "CREATE TABLE more (a)", "CREATE INDEX more ON row (key)",
    "CREATE VIEW more AS SELECT * FROM row", "DROP TABLE sums", "ALTER TABLE row ADD COLUMN more",
])  # fmt: skip
def test_tables_that_are_not_ours_are_refused(copy, command):
    tools.sql(copy, command)
    for look in (resume, campaign_status):
        with pytest.raises(InputError, match="it has other tables") as refusal:
            look(copy)
        assert "\n" not in str(refusal.value)


def test_another_database_is_no_campaign(tmp_path):
    tools.sql(tmp_path, "CREATE TABLE mine (a)")
    for look in (resume, campaign_status, lambda folder: escalation.run(little(), store=folder)):
        with pytest.raises(InputError, match=r"sqlite3: damaged, or no campaign of this version"):
            look(tmp_path)


@pytest.mark.parametrize("payload", [b"", b"\x00", b"x" * 1000])
@pytest.mark.parametrize("part", ["block", "parameters"])
def test_rows_whose_sums_were_all_made_anew_still_meet_a_check(copy, part, payload):
    """Nothing keeps out somebody who makes every sum anew, but what is no counts ends in a line."""
    like = f'["{part}",%'
    number = tools.sql(copy, "SELECT min(id) FROM row WHERE key LIKE ?", like)[0][0]
    row_with(copy, number, payload=payload)
    seals = [seal for seal, in tools.sql(copy, "SELECT checksum FROM row")]
    identity = Store(copy).manifest().identity
    sums = database._sums(identity, len(seals), sum(int(seal, 16) for seal in seals))
    tools.sql(copy, "UPDATE sums SET number = ?, sum = ?, checksum = ?", *sums)
    with pytest.raises(InputError, match=NAME) as refusal:
        resume(copy)
    assert "\n" not in str(refusal.value)
