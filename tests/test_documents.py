"""Documents quote what `docs/renew.py` has written, and nothing else."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path

import pytest

import escalation

ROOT = Path(__file__).resolve().parent.parent
RENEW = runpy.run_path(str(ROOT / "docs" / "renew.py"))
DOCUMENTS = RENEW["DOCUMENTS"]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_quoted_blocks_are_those_that_were_written(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert RENEW["filled"](text, RENEW["stored_texts"]()) == text, "python docs/renew.py"


def test_an_edited_number_is_found() -> None:
    texts = RENEW["stored_texts"]()
    block = f"<!-- quoted: answer -->\n```text\n{texts['answer']}\n```\n"
    assert RENEW["filled"](block, texts) == block
    edited = block.replace("100", "101", 1)
    assert RENEW["filled"](edited, texts) == block


def test_what_is_quoted_is_of_the_shipped_study(study: escalation.Study) -> None:
    made = json.loads((RENEW["QUOTED"] / "made.json").read_text(encoding="utf-8"))
    assert made["study_sha256"] == study.sha256, "the shipped study has changed: docs/renew.py"
    assert (made["draws"], made["trajectories"]) == (study.plan.draws, study.plan.trajectories)


def test_links_lead_somewhere() -> None:
    for path in DOCUMENTS:
        for link in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
            if "://" not in link:
                assert (path.parent / link).exists(), f"{path.name}: {link}"


def test_the_readme_is_short() -> None:
    """The last screen of a run, which it shows, is not counted."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(RENEW["BLOCK"].sub("", text).split()) <= 900
