"""Official downloads and what users make of them: zips, missing codes, causes, things said."""

from __future__ import annotations

import csv
import dataclasses
import io
import re
import zipfile
from pathlib import Path

import backtest_rows
import numpy as np
import public_data
import pytest
from public_data import ACTORS, SYSTEM, downloads, put, unpacked, world, zipped

from escalation.archive import source_files
from escalation.archive.dispute_table import Disputes
from escalation.archive.public_crises import load_crises
from escalation.archive.public_disputes import load_disputes
from escalation.errors import InputError
from escalation.history.features import record_features


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return world()


@pytest.fixture(scope="module")
def plain(files, tmp_path_factory) -> Disputes:
    return load_disputes(unpacked(tmp_path_factory.mktemp("plain"), files), list)


@pytest.fixture(scope="module")
def few() -> dict[str, str]:
    return world(40)


def same(one: Disputes, two: Disputes) -> None:
    for field in dataclasses.fields(Disputes):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(two, field.name))


def changed(text: str, column: str, change) -> str:
    """Text of a table in which every cell of a column went through `change`."""
    rows = list(csv.reader(io.StringIO(text)))
    place = rows[0].index(column)
    for row in rows[1:]:
        row[place] = change(row[place])
    file = io.StringIO()
    csv.writer(file).writerows(rows)
    return file.getvalue()


# ---------------------------------------------------------------- nothing vanishes, nothing twice


@pytest.mark.parametrize("missing", ["NA", "", "N/A", "-9.0"])
def test_every_way_to_say_missing_gives_the_same_1725_disputes(files, plain, tmp_path, missing):
    assert len(plain) == 1725
    unknown = sum(np.isnan(getattr(plain, name)).sum() for name in ("outcome", "fatality"))
    assert unknown > 100
    recoded = {key: re.sub(r"(?<=,)-9(?=[,\r])", missing, text) for key, text in files.items()}
    assert recoded["mida"] != files["mida"]
    same(load_disputes(unpacked(tmp_path, recoded), list), plain)


def test_rows_left_out_are_counted_aloud(few, tmp_path):
    said: list[str] = []
    load_disputes(unpacked(tmp_path, few), said.append)
    assert said == [
        f"{tmp_path}/MIDA 5.0.csv: 40 of 100 disputes used; left out: 20 before 1946, "
        "20 without a militarized action, 20 without originators on both sides "
        "(81, 82, 83, 84, 85, 86, 87, 88, ...)"
    ]


@pytest.mark.parametrize(
    ("key", "column", "words"),
    [
        ("mida", "hostlev", r"MIDA 5.0.csv: 1 row \(line 4\) left out for want of hostlev"),
        ("mida", "recip", r"1 without a code of whether it was answered \(3\)"),
        ("midb", "sidea", r"MIDB 5.0.csv: 1 row \(line 4\) left out for want of sidea"),
        ("nmc", "ccode", r"NMC-60-abridged.csv: 1 row \(line 4\) left out for want of ccode"),
        ("atop", "defense", r"atop5_1ddyr.csv: 1 row \(line 4\) left out for want of defense"),
        ("contiguity", "conttype", r"contdird.csv: 1 row \(line 4\) left out for want of conttype"),
    ],
)
def test_a_row_that_lacks_a_key_is_said(few, tmp_path, key, column, words):
    cells = iter(range(10**6))
    text = changed(few[key], column, lambda cell: "NA" if next(cells) == 2 else cell)
    said: list[str] = []
    load_disputes(unpacked(tmp_path, few | {key: text}), said.append)
    assert re.search(words, "\n".join(said))


def test_by_default_it_is_logged(few, tmp_path, caplog):
    load_disputes(unpacked(tmp_path, few))
    assert "40 of 100 disputes used" in caplog.text


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("mida", r"MIDA 5.0.csv:102: dispnum 3 stands in line 4 already"),
        ("nmc", r"NMC-60-abridged.csv:1352: ccode 200, year 1940 stands in line 4 already"),
    ],
)
def test_twins_are_refused(few, tmp_path, key, words):
    twin = few[key] + few[key].splitlines()[3] + "\r\n"
    with pytest.raises(InputError, match=words):
        load_disputes(unpacked(tmp_path, few | {key: twin}), list)


@pytest.mark.parametrize("key", ["midb", "atop", "contiguity"])
def test_a_row_that_stands_twice_counts_once_where_states_are_counted(few, tmp_path, key):
    twice = few[key] + few[key].partition("\n")[2]
    here, there = (unpacked(tmp_path / n, few | {key: t})
                   for n, t in (("a", few[key]), ("b", twice)))  # fmt: skip
    same(load_disputes(here, list), load_disputes(there, list))


# ---------------------------------------------------------------- unknown is not none


def test_capabilities_that_end_too_soon_are_unknown_and_said(few, tmp_path):
    lines = few["nmc"].splitlines(keepends=True)
    known = [line for line in lines if line.split(",")[2] < "1980" or line == lines[0]]
    said: list[str] = []
    table = load_disputes(unpacked(tmp_path, few | {"nmc": "".join(known)}), said.append)
    later = table.year >= 1980
    allied = table.n_target_defenders > 0
    assert (later & allied).sum() > 5
    assert np.isnan(table.target_defender_cinc[later & allied]).all()
    assert np.isfinite(table.target_defender_cinc[~later]).all()
    assert (table.target_defender_cinc[later & ~allied] == 0).all()
    assert re.search(r"capabilities of a side are unknown in \d+ disputes", said[-2])
    assert re.search(r"capabilities of all the target's defenders are unknown in \d+ d", said[-1])


def test_a_sum_over_partly_known_defenders_is_said(few, tmp_path):
    whole = load_disputes(unpacked(tmp_path / "whole", few), list)
    number = whole.dispnum[np.flatnonzero(whole.n_target_defenders > 1)[0]]
    i = whole.dispnum.tolist().index(number)
    defenders = [
        row["stateA"] for row in csv.DictReader(io.StringIO(few["atop"]))
        if row["stateB"] in re.split("[>-]", whole.target[i])
        and row["defense"] == "1" and int(row["year"]) == whole.year[i]
        and row["stateA"] not in re.split("[>-]", whole.dyad[i])
    ]  # fmt: skip
    lost = re.sub(
        rf"(?m)^(-9,{defenders[0]},{whole.year[i]},.*),[\d.]+,-9", r"\1,NA,-9", few["nmc"]
    )
    assert lost != few["nmc"]
    said: list[str] = []
    table = load_disputes(unpacked(tmp_path / "part", few | {"nmc": lost}), said.append)
    assert 0 < table.target_defender_cinc[i] < whole.target_defender_cinc[i]
    assert any(
        f"dispute {number} had a defender of unknown capabilities" in line
        or re.search(rf"disputes \(.*\b{number}\b.*\) had a defender of unknown", line)
        for line in said
    )


@pytest.mark.parametrize(
    ("key", "words"),
    [("atop", "lie outside the years of the alliances (1940 to 1979): no defender counted"),
     ("contiguity", "lie outside the years of contiguity (1940 to 1979), which is unknown there")],
)  # fmt: skip
def test_years_that_a_file_does_not_cover_are_said(few, tmp_path, key, words):
    place = (
        public_data.ATOP.split().index("year")
        if key == "atop"
        else public_data.CONTIGUITY.split().index("year")
    )
    lines = few[key].splitlines(keepends=True)
    short = "".join(x for x in lines if x.split(",")[place] < "1980" or x == lines[0])
    said: list[str] = []
    table = load_disputes(unpacked(tmp_path, few | {key: short}), said.append)
    assert any(words in line for line in said)
    if key == "contiguity":
        assert (table.contiguity[table.year >= 1980] == 0).all()
        assert (table.contiguity[table.year < 1980] > 0).any()


def test_unknown_allies_are_equal_to_the_initiator_and_none_are_none():
    table = Disputes.of([
        backtest_rows.dispute(
            row=i, dispnum=i, n_target_defenders=allies, initiator_cinc=own,
            target_defender_cinc=total, target_unshared_defender_cinc=apart,
        )
        for i, (allies, own, total, apart) in enumerate([
            (2, 0.1, np.nan, np.nan), (0, 0.1, np.nan, np.nan), (2, 0.1, 0.2, np.nan),
            (2, np.nan, 0.2, 0.1), (2, 0.1, 0.2, 0.0), (2, 0.1, 0.4, 0.3), (0, np.nan, 0.0, 0.0),
        ])
    ])  # fmt: skip
    found = record_features(table)
    np.testing.assert_allclose(found.ally_power, [1, 0, 1, 1, 0, 3, 0])
    np.testing.assert_allclose(found.shared, [0, 0, 0, 0.5, 1, 0.25, 0])


def test_an_originator_on_both_sides_is_said(few, tmp_path):
    row = few["midb"].splitlines()[1].split(",")
    row[public_data.MIDB.split().index("sidea")] = "0"
    said: list[str] = []
    load_disputes(unpacked(tmp_path, few | {"midb": few["midb"] + ",".join(row)}), said.append)
    assert any("dispute 1 had a state among the originators of both sides" in x for x in said)


# ---------------------------------------------------------------- downloads as they are


def test_official_zips_give_the_same_table_as_the_unpacked_files(files, plain, tmp_path):
    official = downloads(files)
    same(load_disputes(put(tmp_path / "zips", official), list), plain)
    (tmp_path / "all.zip").write_bytes(zipped(official))
    same(load_disputes(tmp_path / "all.zip", list), plain)
    assert sorted(p.name for p in (tmp_path / "zips").iterdir()) == sorted(official)


def test_zips_beside_their_own_content_are_one_file(few, tmp_path):
    here = unpacked(put(tmp_path, downloads(few)), few)
    assert len(load_disputes(here, list)) == 40


def test_the_whole_nmc_package_yields_the_abridged_file(few, tmp_path):
    here = unpacked(tmp_path, few)
    full = few["nmc"].replace("stateabb", "statename", 1)
    put(here, {"NMC/NMC-60-wsupplementary.csv": full, "NMC/NMC-60-sources.csv": "ccode\n2\n"})
    assert len(load_disputes(here, list)) == 40
    put(here, {"NMC/NMC-50-abridged.csv": full})
    with pytest.raises(
        InputError, match=r"more than one NMC\*.csv: NMC/NMC-50-abridged.csv, NMC-60-a"
    ):
        load_disputes(here, list)


@pytest.mark.parametrize(
    ("name", "header"),
    [("MIDA_4.01.csv", "dispnum3,dispnum4"), ("MIDA 4.3.csv", "dispnum"), ("MIDA.csv", "DispNum4")],
)
def test_older_disputes_are_named(few, tmp_path, name, header):
    here = unpacked(tmp_path, few)
    (here / "MIDA 5.0.csv").unlink()
    put(here, {name: few["mida"].replace("dispnum", header, 1)})
    with pytest.raises(InputError, match=rf"{name}: this is MID 4.x; MID 5.0 is needed"):
        load_disputes(here, list)


def test_bad_zips_are_one_line(few, tmp_path, monkeypatch):
    (tmp_path / "no.zip").write_text("no zip")
    with pytest.raises(InputError, match=r"no.zip: not a zip file that can be read"):
        load_disputes(tmp_path / "no.zip", list)
    with pytest.raises(InputError, match=r"none.zip: not a zip file that can be read"):
        load_disputes(tmp_path / "none.zip", list)
    with pytest.raises(InputError, match=r"no file MIDA\*.csv; .*no.zip: not a zip file"):
        load_disputes(tmp_path, list)
    (tmp_path / "no.zip").unlink()
    here = put(tmp_path, downloads(few))
    near = here / "DirectContiguity320.zip"
    whole = near.read_bytes()
    place = whole.index(b"contdird.csv") + 200
    near.write_bytes(whole[:place] + b"\0" * 50 + whole[place + 50 :])
    with pytest.raises(InputError, match=r"contdird.csv: cannot be read from the zip file"):
        load_disputes(here, list)
    near.write_bytes(whole)
    monkeypatch.setattr(source_files, "MAX_BYTES", 1 << 20)
    bomb = zipped({"DirectContiguity320/contdird.csv": b"0" * (1 << 21)})
    near.write_bytes(bomb)
    with pytest.raises(InputError, match=r"contdird.csv: larger than 1 MiB"):
        load_disputes(here, list)


@pytest.mark.parametrize("packing", ["ZIP_STORED", "ZIP_DEFLATED", "ZIP_BZIP2", "ZIP_LZMA"])
def test_every_packing_is_read_and_its_damage_is_one_line(few, tmp_path, packing):
    here = unpacked(tmp_path, few)
    (here / "contdird.csv").unlink()
    near = here / "near.zip"
    with zipfile.ZipFile(near, "w", getattr(zipfile, packing)) as archive:
        archive.writestr("contdird.csv", few["contiguity"])
    assert len(load_disputes(here, list)) == 40
    whole = near.read_bytes()
    for place in (44, 52, 60, 200, len(whole) // 2):
        near.write_bytes(whole[:place] + b"\xff" * 6 + whole[place + 6 :])
        with pytest.raises(InputError, match=r"contdird.csv: cannot be read from the zip file"):
            load_disputes(here, list)


def test_zips_within_zips_have_an_end(few, tmp_path):
    deep = zipped({"a.csv": "x"})
    for _ in range(30):
        deep = zipped({"deeper.zip": deep, "\x1b[2J.csv": "x"})
    (tmp_path / "deep.zip").write_bytes(deep)
    with pytest.raises(InputError, match=r"no file MIDA.*too deep or too large") as caught:
        load_disputes(tmp_path / "deep.zip", list)
    assert str(caught.value).isprintable()


# ---------------------------------------------------------------- causes and places


@pytest.mark.parametrize(
    ("key", "spoil", "words"),
    [
        ("mida", lambda t: t.replace(",", ";"), r"MIDA 5.0.csv:1: missing .* separated by ';'"),
        ("nmc", lambda t: t.replace(",", "\t"), r"abridged.csv:1: missing .* separated by tabs"),
        ("atop", lambda t: t.encode("utf-16"), r"ddyr.csv: not a CSV text file \(UTF-16"),
        ("atop", lambda t: t.encode("utf-16-le"), r"ddyr.csv: not a CSV text file \(it has null"),
        ("mida", lambda t: zipped({"x": t}), r"5.0.csv: not a CSV text file \(an Excel or zip"),
        ("midb", lambda t: t.replace("ccode", "sidea", 1), r"MIDB 5.0.csv:1: missing .*ccode"),
        ("nmc", lambda t: t.replace("milex", "cinc", 1), r"csv:1: column cinc stands there 2 t"),
        ("mida", lambda t: t[:-9], r"MIDA 5.0.csv:101: \d+ cells, the header has 20"),
        ("nmc", lambda t: f'{t}"', r"NMC-60-abridged.csv:\d+: not a CSV text file"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_such_table_is_told_why(few, tmp_path, key, spoil, words):
    here = unpacked(tmp_path, few)
    put(here, {public_data.NAMES[key]: spoil(few[key])})
    with pytest.raises(InputError, match=words) as caught:
        load_disputes(here, list)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("1,073", r"maxdur: '1,073' is not a number \(write it without a separator"),
        ("1.073,5", r"maxdur: '1.073,5' is not a number"),
        ("10,5", r"maxdur: '10,5' is not a number \(write a decimal point\)"),
        (".", r"maxdur: '.' is not a number \(a missing value of Stata"),
        ("1_073", r"maxdur: '1_073' is not a number"),
        ("1e400", r"maxdur: '1e400' is not a whole number from 0"),
        ("-8", r"maxdur: '-8' is not a whole number from 0"),
        ("\x1b[2J", r"maxdur: '\\x1b\[2J' is not a number"),
        ("9" * 5000, r"maxdur: '9{60}...' is not a whole number"),
    ],
)
def test_a_cell_is_named_by_its_row_as_the_user_counts(few, tmp_path, cell, words):
    cells = iter(range(10**6))
    text = changed(few["mida"], "maxdur", lambda old: cell if next(cells) == 15 else old)
    with pytest.raises(InputError, match=rf"MIDA 5.0.csv:17: {words}") as caught:
        load_disputes(unpacked(tmp_path, few | {"mida": text}), list)
    assert str(caught.value).isprintable()


def test_encodings_and_line_ends_do_not_matter(few, tmp_path):
    one = load_disputes(unpacked(tmp_path / "one", few), list)
    for name, spoil in {
        "mark": lambda text: text.encode("utf-8-sig"),
        "unix": lambda text: text.replace("\r\n", "\n").encode(),
        "old": lambda text: text.replace("\r\n", "\r").encode(),
        "latin": lambda text: text.replace(",-9,", ",é,", 1).encode("latin-1"),
        "capitals": lambda text: text.upper().encode(),
        "blank": lambda text: text.replace("\r\n", "\r\n\r\n").encode(),
    }.items():
        bad = {public_data.NAMES[key]: spoil(few[key]) for key in ("nmc", "contiguity")}
        two = load_disputes(put(unpacked(tmp_path / name, few), bad), list)
        same(one, two)


# ---------------------------------------------------------------- crises


def test_actors_of_a_crisis_are_states_and_its_length_one_rule(tmp_path):
    said: list[str] = []
    table = load_crises(put(tmp_path, {"icb1v14.csv": SYSTEM, "icb2v14.csv": ACTORS}), said.append)
    assert table.n_actors.tolist() == [5, 1, 1, 1]
    assert table.n_nuclear_actors.tolist() == [3, 0, 0, 1]
    np.testing.assert_array_equal(table.duration_days, [238, 1, 0, np.nan])
    assert any("crisis 258 is of unknown length" in line for line in said)
    without = put(tmp_path / "b", {"icb1v14.csv": changed(SYSTEM, "brexit", lambda _: "NA"),
                                   "icb2v14.csv": ACTORS})  # fmt: skip
    np.testing.assert_array_equal(load_crises(without, list).duration_days, table.duration_days)


def test_crises_from_a_zip_and_in_other_words(tmp_path):
    (tmp_path / "icb.zip").write_bytes(zipped({"icb1v14.csv": SYSTEM, "icb2v14.csv": ACTORS}))
    for place in (tmp_path / "icb.zip", tmp_path):
        assert load_crises(place, list).crisno.tolist() == [255, 256, 257, 258]


@pytest.mark.parametrize(
    ("system", "actors", "words"),
    [
        (SYSTEM + SYSTEM.splitlines()[1] + "\n", ACTORS, r"icb1v14.csv:6: crisno: 255 stands in"),
        (SYSTEM.replace("YOM KIPPUR WAR,1973", "X,1e400"), ACTORS, r"icb1v14.csv:2: yrtrig: '1e"),
        (SYSTEM.replace(",", ";"), ACTORS, r"separated by ';'"),
        (SYSTEM, ACTORS.replace("651", "1,651"), r"icb2v14.csv:2: 4 cells"),
        (SYSTEM, ACTORS.replace("651", "."), r"icb2v14.csv:2: cracid: '.' .*Stata"),
    ],
)
def test_bad_crises_are_one_line(tmp_path, system, actors, words):
    here: Path = put(tmp_path, {"icb1v14.csv": system, "icb2v14.csv": actors})
    with pytest.raises(InputError, match=words):
        load_crises(here, list)


def test_actors_that_lack_are_said(tmp_path):
    said: list[str] = []
    actors = ACTORS.replace("256,7,678", "256,7,NA")
    load_crises(put(tmp_path, {"icb1v14.csv": SYSTEM, "icb2v14.csv": actors}), said.append)
    text = "\n".join(said)
    assert "left out for want of a crisis or actor: 1 (line 9)" in text
    assert "crisis 256 has no actor in icb2v*.csv" in text
