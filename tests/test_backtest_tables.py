"""Reading tables of disputes and crises: what is read, what is refused, whose past is whose."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from backtest_rows import CRISIS, dispute, write

from escalation.archive.crisis_table import COLUMNS as CRISIS_COLUMNS
from escalation.archive.crisis_table import read_crises
from escalation.archive.dispute_table import history_before, read_disputes
from escalation.errors import InputError


def test_columns_are_read_and_derived(tmp_path):
    rows = [
        dispute(),
        dispute(dispnum=2, contiguity=0, maxdur=-9, target_cinc="", dyad="2-713>710", year=1990),
        dispute(dispnum=3, contiguity=4, n_defenders_joined_target=2, maxdur=1, dyad="7>710"),
        dispute(dispnum=4, contiguity=6, maxdur=256, initiator_cinc=0),
    ]
    table = read_disputes(write(tmp_path / "d.csv", rows))
    assert len(table) == 4
    assert table.row.tolist() == [2, 3, 4, 5]
    assert table.land.tolist() == [True, False, False, False]
    assert table.sea.tolist() == [False, False, True, False]
    assert table.joined.tolist() == [False, False, True, False]
    assert table.china.tolist() == [False, True, True, False]
    assert table.post_1990.tolist() == [False, True, False, False]
    assert table.duration_bin.tolist() == [1, -1, 0, 3]
    assert np.isnan(table.target_cinc[1])
    assert np.isnan(table.initiator_cinc[3])
    assert (table.challenger[1], table.target[1]) == ("2-713", "710")
    assert table.take(table.land).dispnum.tolist() == [1]


def test_a_dyad_is_the_same_however_it_is_written(tmp_path):
    """Blanks, points and the order of a side's states: one dispute, so a twin is seen."""
    ways = ("2-713>710", " 713 - 2 > 710 ", "713.0-2>710.0")
    tables = [
        read_disputes(write(tmp_path / f"{k}.csv", [dispute(dyad=way)]))
        for k, way in enumerate(ways)
    ]
    assert {str(table.dyad[0]) for table in tables} == {ways[0]}
    assert all(table.china.all() for table in tables)
    with pytest.raises(InputError, match="stands in line 2 already"):
        read_disputes(write(tmp_path / "twin.csv", [dispute(dyad=way) for way in ways[:2]]))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"hostlev": 1}, r"d.csv:3: hostlev: 1 is no militarized action"),
        ({"hostlev": 6}, r"d.csv:3: hostlev: '6' is not a whole number from 2 to 5"),
        ({"recip": 2}, r"d.csv:3: recip: '2'"),
        ({"recip": ""}, r"d.csv:3: recip: '' means missing"),
        ({"recip": -9}, r"d.csv:3: recip: '-9' means missing"),
        ({"year": "abc"}, r"d.csv:3: year: 'abc' is not a number"),
        ({"contiguity": 1.5}, r"d.csv:3: contiguity: '1.5'"),
        ({"contiguity": 7}, r"d.csv:3: contiguity: '7'"),
        ({"initiator_cinc": "inf"}, r"d.csv:3: initiator_cinc: 'inf'"),
        ({"dyad": "2-365"}, r"d.csv:3: dyad: '2-365' is not challenger>target"),
        ({"dyad": "CHN>740"}, r"d.csv:3: dyad: 'CHN>740' is not challenger>target"),
        ({"dyad": "2-710>710"}, r"d.csv:3: dyad: '2-710>710' is not challenger>target"),
        ({"dispnum": 1}, r"d.csv:3: dispnum: dispute 1 .* stands in line 2 already"),
    ],
)
def test_a_bad_cell_is_named_by_line_and_column(tmp_path, changes, words):
    path = write(tmp_path / "d.csv", [dispute(), dispute(**{"dispnum": 2, **changes})])
    with pytest.raises(InputError, match=words) as caught:
        read_disputes(path)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_tables_are_refused(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read_disputes(tmp_path / "none.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(InputError, match=r"empty.csv:1: missing columns: dispnum, year"):
        read_disputes(tmp_path / "empty.csv")
    with pytest.raises(InputError, match="no rows"):
        read_disputes(write(tmp_path / "head.csv", []))
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(InputError, match="not a CSV text file"):
        read_disputes(tmp_path / "binary.csv")
    path = write(tmp_path / "short.csv", [dispute()])
    path.write_text(path.read_text() + "1,2,3\n")
    with pytest.raises(InputError, match=r"short.csv:3: 3 cells"):
        read_disputes(path)


def test_history_is_the_same_pair_strictly_earlier_in_either_direction(tmp_path):
    past = [
        dispute(dispnum=10, year=1955, dyad="365>2"),
        dispute(dispnum=11, year=1950),
        dispute(dispnum=12, year=1960),  # same year
        dispute(dispnum=13, year=1961),  # later
        dispute(dispnum=14, year=1950, dyad="2>710"),  # another pair
        dispute(dispnum=15, year=1950, dyad="2-713>365"),  # another side
        dispute(dispnum=1, year=1940),  # the dispute itself, misdated
    ]
    disputes = read_disputes(write(tmp_path / "d.csv", [dispute(dispnum=1, year=1960)]))
    history = read_disputes(write(tmp_path / "h.csv", past))
    (found,) = history_before(disputes, history)
    assert history.dispnum[found].tolist() == [11, 10]
    assert history_before(disputes, None)[0].size == 0


def test_crises_are_read_and_checked(tmp_path):
    rows = [CRISIS, CRISIS | {"crisno": 111, "duration_days": -13, "violence": "full_scale_war"}]
    table = read_crises(write(tmp_path / "c.csv", rows, CRISIS_COLUMNS))
    assert table.violence_code.tolist() == [1, 3]
    assert table.ussr_russia_involvement.tolist() == ["", ""]
    assert table.duration_days[0] == 30
    assert np.isnan(table.duration_days[1])
    for changes, words in (
        ({"violence": "war"}, "c.csv:2: violence: 'war' is none of: no_violence"),
        ({"trigger": ""}, "c.csv:2: trigger: '' is none of"),
        ({"n_actors": "two"}, "c.csv:2: n_actors: 'two' is not a number"),
    ):
        with pytest.raises(InputError, match=words):
            read_crises(write(tmp_path / "c.csv", [CRISIS | changes], CRISIS_COLUMNS))
    with pytest.raises(InputError, match=r"c.csv:3: crisno: 110 stands in line 2"):
        read_crises(write(tmp_path / "c.csv", [CRISIS, CRISIS], CRISIS_COLUMNS))


def test_further_columns_and_any_order_are_accepted(tmp_path):
    path = tmp_path / "d.csv"
    row = {"note": "x, y"} | dict(reversed(dispute().items()))
    with open(path, "w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerow(row)
    assert read_disputes(path).year.tolist() == [1960]
