"""Mutated history files: a table, or one clear line, and never anything else."""

from __future__ import annotations

import csv
import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import public_data
from backtest_rows import CRISIS, FakePredictor, synthetic_rows, write
from click.testing import CliRunner
from hypothesis import example, given, settings
from hypothesis import strategies as st

from escalation.archive.crisis_table import COLUMNS as CRISIS_COLUMNS
from escalation.archive.crisis_table import TRIGGERS, VIOLENCE
from escalation.archive.dispute_table import COLUMNS
from escalation.cli.app import main

MODEL = "escalation.history.predict"
SMALL = public_data.world(8)
CELLS = (
    "", "-9", "NA", ".", "1,073", "1;073", "-1", "0", "1e400", "-1e400", "nan", "inf", "1_000", "٣",
    "9" * 400, "1e-320", "0x10", "'", '"', '""', "\n", "\r", "\0", "\x1b[2J", "2>2", "a>b>c", ">",
    "2>365", "none", "full_scale_war", "é", "\ufeff", "5.0", "True", " 7 ", "=1+1",
)  # fmt: skip


def _rows(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8", "replace"), newline="")))


def _table(rows: list[list[str]]) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file).writerows(rows)
    return file.getvalue().encode("utf-8", "surrogateescape")


def _by_rows(change: Callable[[list[list[str]], int, int], None]) -> Callable[..., bytes]:
    """A mutation of the rows of a table, at a row and a column."""

    def mutate(data: bytes, where: float, other: float, cell: str) -> bytes:
        try:
            rows = [row for row in _rows(data) if row]
        except csv.Error:
            return data
        if not rows:
            return data
        row = int(where * len(rows))
        change(rows, row, int(other * len(rows[row])))
        return _table(rows)

    return mutate


def _swap(rows: list[list[str]], row: int, column: int) -> None:
    for cells in rows:
        if column < len(cells):
            cells[column], cells[-1] = cells[-1], cells[column]


def _drop_column(rows: list[list[str]], row: int, column: int) -> None:
    for cells in rows:
        del cells[column : column + 1]


def _twice_column(rows: list[list[str]], row: int, column: int) -> None:
    for cells in rows:
        cells.extend(cells[column : column + 1])


def _put_cell(data: bytes, where: float, other: float, cell: str) -> bytes:
    def change(rows: list[list[str]], row: int, column: int) -> None:
        rows[row][column : column + 1] = [cell]

    return _by_rows(change)(data, where, other, cell)


def _cut(data: bytes, where: float, other: float, cell: str) -> bytes:
    return data[: int(where * len(data))]


def _hole(data: bytes, where: float, other: float, cell: str) -> bytes:
    place = int(where * len(data))
    return data[:place] + cell.encode("utf-8", "replace") + data[place + int(other * 40) :]


MUTATIONS: dict[str, Callable[..., bytes]] = {
    "cell": _put_cell,
    "cut": _cut,
    "hole": _hole,
    "swapped": _by_rows(_swap),
    "no column": _by_rows(_drop_column),
    "column twice": _by_rows(_twice_column),
    "no row": _by_rows(lambda rows, row, column: rows.pop(row) and None),
    "row twice": _by_rows(lambda rows, row, column: rows.append(list(rows[row]))),
    "short row": _by_rows(lambda rows, row, column: rows[row].pop() and None),
    "long row": _by_rows(lambda rows, row, column: rows[row].append("7")),
    "semicolons": lambda data, *_: data.replace(b",", b";"),
    "tabs": lambda data, *_: data.replace(b",", b"\t"),
    "utf-16": lambda data, *_: data.decode("utf-8", "replace").encode("utf-16"),
    "latin-1": lambda data, *_: data.replace(b"0", "é".encode("latin-1"), 1),
    "old lines": lambda data, *_: data.replace(b"\r\n", b"\r"),
    "zipped": lambda data, *_: public_data.zipped({"a.csv": data}),
    "nothing": lambda data, *_: b"",
}
UNIT = st.floats(0, 1, exclude_max=True)
MUTANTS = st.lists(
    st.tuples(st.sampled_from(sorted(MUTATIONS)), UNIT, UNIT, st.sampled_from(CELLS)),
    min_size=1, max_size=3,
)  # fmt: skip
quiet = settings(max_examples=60, deadline=None, derandomize=True, database=None)


def mutated(data: bytes, steps: list[tuple[str, float, float, str]]) -> bytes:
    for name, where, other, cell in steps:
        data = MUTATIONS[name](data, where, other, cell)
    return data


def holds(*arguments: object) -> int:
    """Run the backtest without the model; it must end well or with one clear line."""
    original = sys.modules.get(MODEL)
    sys.modules[MODEL] = FakePredictor()  # type: ignore[assignment]
    try:
        result = CliRunner().invoke(main, ["backtest", *map(str, arguments)])
    finally:
        del sys.modules[MODEL]
        if original is not None:
            sys.modules[MODEL] = original
    if result.exception is not None:
        assert isinstance(result.exception, SystemExit), repr(result.exception)
    assert result.exit_code in (0, 2), result.output
    if result.exit_code == 2:
        (line,) = result.stderr.splitlines()
        assert line.isprintable()
        assert len(line) < 1000
        assert not result.stdout
    return result.exit_code


def one_table(folder: Path) -> Path:
    return write(folder / "d.csv", synthetic_rows(40, seed=3))


def crisis_table(folder: Path) -> Path:
    rows = [CRISIS | {"crisno": i, "violence": VIOLENCE[i % 4], "trigger": TRIGGERS[i % 9]}
            for i in range(20)]  # fmt: skip
    return write(folder / "c.csv", rows, CRISIS_COLUMNS)


def test_whole_files_pass(tmp_path):
    """So that the mutants below do not all fail for one and the same reason."""
    assert COLUMNS[0] in one_table(tmp_path).read_text()
    assert holds("--disputes", tmp_path / "d.csv", "--crises", crisis_table(tmp_path)) == 0
    assert holds("--disputes", public_data.unpacked(tmp_path / "p", SMALL)) == 0


@quiet
@given(MUTANTS)
def test_mutated_tables_of_disputes(steps):
    with tempfile.TemporaryDirectory() as folder:
        path = one_table(Path(folder))
        path.write_bytes(mutated(path.read_bytes(), steps))
        holds("--disputes", path)


@quiet
@given(MUTANTS)
def test_mutated_tables_of_crises(steps):
    with tempfile.TemporaryDirectory() as folder:
        path = crisis_table(Path(folder))
        path.write_bytes(mutated(path.read_bytes(), steps))
        holds("--disputes", one_table(Path(folder)), "--crises", path)


@quiet
@given(st.sampled_from(sorted(public_data.NAMES)), MUTANTS, st.booleans())
def test_mutated_public_files(key, steps, packed):
    with tempfile.TemporaryDirectory() as folder:
        here = public_data.unpacked(Path(folder), SMALL)
        path = here / public_data.NAMES[key]
        data = mutated(path.read_bytes(), steps)
        if packed:
            path.unlink()
            path = path.with_suffix(".zip")
            data = public_data.zipped({public_data.NAMES[key]: data})
        path.write_bytes(data)
        holds("--disputes", here)


@quiet
@example("mid", [(0.3242105084897431, b"\x01")])  # a name of hundreds of bytes
@given(
    st.sampled_from(["mid", "all"]), st.lists(st.tuples(UNIT, st.binary(max_size=8)), max_size=3)
)
def test_damaged_zip_files(which, damage):
    official = public_data.downloads(SMALL)
    with tempfile.TemporaryDirectory() as folder:
        here = public_data.put(Path(folder), official)
        path = next(here.glob("MID*.zip"))
        if which == "all":
            path = here / "all.zip"
            path.write_bytes(public_data.zipped(official))
        data = path.read_bytes()
        for where, piece in damage:
            place = int(where * len(data))
            data = data[:place] + piece + data[place + len(piece) :]
        path.write_bytes(data)
        holds("--disputes", path if which == "all" else here)


@quiet
@example(False, [("cell", 0.3, 0.21, "1e400")])  # a year that no integer holds
@given(st.booleans(), MUTANTS)
def test_mutated_public_crises(actors, steps):
    with tempfile.TemporaryDirectory() as folder:
        texts = {"icb1v14.csv": public_data.SYSTEM, "icb2v14.csv": public_data.ACTORS}
        here = public_data.put(Path(folder) / "icb", texts)
        path = here / ("icb2v14.csv" if actors else "icb1v14.csv")
        path.write_bytes(mutated(path.read_bytes(), steps))
        holds("--disputes", one_table(Path(folder)), "--crises", here)
