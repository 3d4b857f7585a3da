"""Make every number, table and figure that the documents quote, from a run of the shipped study.

    python docs/renew.py [RESULTS]

Without RESULTS the shipped study is run, which takes some minutes. What is quoted is written to
`docs/quoted/`, one file each, with what it was made from in `made.json`; the figures go to
`docs/figures/`; and every block of README.md and of the documents here that begins with
`<!-- quoted: NAME -->` is filled with the file of that name. `tests/test_documents.py` holds the
documents to these files.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import xarray as xr

import escalation
from escalation.analysis.findings import find
from escalation.plots import FORMATS, PLOTS
from escalation.replays import replay
from escalation.report.answer import format_answer
from escalation.report.beliefs_table import format_premises
from escalation.report.comparison_report import format_comparison
from escalation.report.decision_table import format_decision_table
from escalation.results.companion import has_companion

ROOT = Path(__file__).resolve().parent.parent
STUDY = ROOT / "configs" / "asian_nato.yaml"
QUOTED, FIGURES = ROOT / "docs" / "quoted", ROOT / "docs" / "figures"
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
SHOWN = ("answer_map", "answer_difference", "answer_drivers", "risk_heat_map", "break_even",
         "prior_posterior")  # fmt: skip
WIDTH = 80
BLOCK = re.compile(r"(<!-- quoted: (\w+) -->\n)(?:```text\n.*?\n```\n)?", re.DOTALL)


def quoted_texts(ds: xr.Dataset) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of everything that documents quote."""
    first = ds.isel(flashpoint=[0])
    point = str(first["flashpoint"].values[0])
    yield "answer", format_answer(ds, WIDTH)
    yield "decision_table", _after(format_decision_table(first, WIDTH), point)
    yield "premises", _after(format_premises(first, WIDTH), f"{point}: ")
    story = replay(ds, flashpoint="taiwan_strait", structure="asian_nato", draw=3, trajectory=84)
    yield "story", "\n".join([*story[:1], *_last_dispute(story)])
    yield "drivers", _after(
        format_comparison(find(first, ["war", "great_power_war"]), first, WIDTH),
        f"{json.loads(ds.attrs['focus'])[0]} against ",
    )


def _last_dispute(story: list[str]) -> list[str]:
    """Return the lines of the last dispute of a history."""
    first = max(k for k, line in enumerate(story) if " opens a " in line)
    return story[first:]


def _after(text: str, beginning: str) -> str:
    """Return a text from its first line on that begins with some words."""
    lines = text.splitlines()
    first = next(k for k, line in enumerate(lines) if line.startswith(beginning))
    return "\n".join(lines[first:])


def filled(document: str, texts: dict[str, str]) -> str:
    """Return a document whose blocks hold the texts of their names."""
    return BLOCK.sub(lambda block: f"{block[1]}```text\n{texts[block[2]]}\n```\n", document)


def stored_texts() -> dict[str, str]:
    """Return what was quoted last."""
    return {
        path.stem: path.read_text(encoding="utf-8").rstrip("\n") for path in QUOTED.glob("*.txt")
    }


def renew(ds: xr.Dataset) -> None:
    """Write everything anew."""
    QUOTED.mkdir(exist_ok=True)
    for name, text in quoted_texts(ds):
        (QUOTED / f"{name}.txt").write_text(text + "\n", encoding="utf-8")
    attrs = ("study_sha256", "table_checksum", "seed", "trajectories")
    made = {name: ds.attrs[name] for name in attrs} | {"draws": ds.sizes["draw"]}
    (QUOTED / "made.json").write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    FIGURES.mkdir(exist_ok=True)
    for name in SHOWN:
        if PLOTS[name].applies(ds):
            PLOTS[name].draw(ds).savefig(FIGURES / f"{name}.{FORMATS[0]}")
    texts = stored_texts()
    for path in DOCUMENTS:
        path.write_text(filled(path.read_text(encoding="utf-8"), texts), encoding="utf-8")


def main() -> None:
    """Renew from a results file, or from a new run."""
    if len(sys.argv) > 1:
        ds = escalation.open_results(sys.argv[1])
    else:
        from escalation.verification.pins import with_confirmation

        ds = with_confirmation(escalation.run(escalation.load_study(STUDY)))
    if not has_companion(ds):
        sys.exit("these results hold no companions; run the shipped study as it is")
    renew(ds)


if __name__ == "__main__":
    main()
