"""Every notebook of `examples/` runs from top to bottom."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))


def code_of(path: Path) -> list[str]:
    """Return the code of every cell."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cell by cell in one namespace, as a kernel would, from the folder of the notebook."""
    monkeypatch.chdir(EXAMPLES)
    names: dict[str, object] = {"__name__": "notebook"}
    for number, code in enumerate(code_of(path)):
        exec(compile(code, f"{path.name}, cell {number}", "exec"), names)


def test_notebooks_are_kept_without_output() -> None:
    for path in NOTEBOOKS:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            assert not cell.get("outputs"), path.name
