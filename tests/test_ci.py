"""The scripts of continuous integration say what they did not do."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parent.parent
CI = ROOT / ".ci"
FOUND = {"dependencies": [
    {"name": "numpy", "version": "2.1", "vulns": []},
    {"name": "click", "version": "8.1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["8.2"]}]},
]}  # fmt: skip
NONE = {"dependencies": [{"name": "numpy", "version": "2.1", "vulns": []}]}
SKIPPED = {"dependencies": [{"name": "numpy", "skip_reason": "not on PyPI"}]}


def stand_in(folder: Path, name: str, body: str) -> Path:
    path = folder / name
    path.write_text(f"#!/usr/bin/env bash\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def auditor(folder: Path, answer: object, code: int) -> Path:
    """A stand-in that writes an answer where pip-audit would."""
    (folder / "answer").write_text(
        answer if isinstance(answer, str) else json.dumps(answer), encoding="utf-8"
    )
    write = f'cp "{folder}/answer" "${{@: -1}}"' if answer is not None else ":"
    return stand_in(folder, "auditor", f"{write}\necho 'something was said' >&2\nexit {code}")


@pytest.mark.parametrize(("answer", "ended", "code", "last"), [
    (FOUND, 1, 1, "audit: failed: 1 known vulnerabilities in the 2 packages"),
    (FOUND, 0, 1, "audit: failed: 1 known vulnerabilities in the 2 packages"),
    (NONE, 0, 0, "audit: 1 packages without known vulnerability; 1 packages not asked"),
    (SKIPPED, 0, 0, "audit: not asked: the advisory service answered for none of 2 packages"),
    (None, 1, 0, "audit: not asked: no answer for 2 packages (pip-audit ended with code 1)"),
    ("{half", 1, 0, "audit: not asked: no answer for 2 packages (pip-audit ended with code 1)"),
    ({}, 124, 0, "audit: not asked: no answer for 2 packages (pip-audit ended with code 124)"),
])  # fmt: skip
def test_the_audit_says_whether_anybody_was_asked(tmp_path, answer, ended, code, last):
    pins = "echo numpy==2.1; echo click==8.1; echo escalation==0.1.0; echo -e .."
    pip = stand_in(tmp_path, "pip", pins)
    done = subprocess.run(
        [CI / "audit", pip, auditor(tmp_path, answer, ended)], capture_output=True, text=True
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith(last)
    assert ("PYSEC-1" in done.stdout) == bool(code)


def test_a_browser_that_cannot_be_installed_fails_nothing(tmp_path):
    for name in ("bash", "id"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    done = subprocess.run(
        [CI / "browser"], env={"PATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert done.stdout.strip().endswith("the tests that open the page are skipped")


def test_an_audit_of_nothing_fails(tmp_path):
    pip = stand_in(tmp_path, "pip", "exit 0")
    done = subprocess.run(
        [CI / "audit", pip, auditor(tmp_path, NONE, 0)], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "no installed package was found" in done.stdout


def lower_bounds(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, CI / "lower_bounds.py", *arguments]
    return subprocess.run([str(word) for word in command], capture_output=True, text=True)


def test_lower_bounds_are_those_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    stated = [*project["dependencies"], *extras["calibrate"],
              *extras["cluster"]]  # fmt: skip
    pins = lower_bounds().stdout.split()
    assert pins == [one.replace(">=", "==") for one in stated]
    assert {"scipy==1.15", "pandas==2.2.2"} <= set(pins)
    assert lower_bounds("--python").stdout == "3.11\n"


@pytest.mark.parametrize("requirement", ["numpy", "numpy>2", "numpy>=2,<3", "numpy ~= 2.0"])
def test_a_dependency_without_a_plain_lower_bound_is_named(tmp_path, requirement):
    file = tmp_path / "pyproject.toml"
    file.write_text(f'[project]\ndependencies = ["click>=8.1", "{requirement}"]\n')
    done = lower_bounds(file)
    assert done.returncode == 1
    assert repr(requirement) in done.stderr


def test_the_citation_is_of_this_version() -> None:
    said = YAML(typ="safe").load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert said["version"] == project["version"]
    assert said["license"] == project["license"]
    assert [a["name"] for a in said["authors"]] == [a["name"] for a in project["authors"]]


def test_the_workflow_runs_what_is_run_here_on_every_version() -> None:
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    job = YAML(typ="safe").load(text)["jobs"]["test"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {c.rpartition(" ")[2] for c in project["classifiers"] if "Python :: 3." in c}
    assert set(job["strategy"]["matrix"]["python"]) == named
    assert job["steps"][-1]["run"] == ".ci/run"


def test_commits_are_held_to_the_linters_of_ci() -> None:
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    hooks = [hook["entry"] for hook in YAML(typ="safe").load(text)["repos"][0]["hooks"]]
    run = (CI / "run").read_text(encoding="utf-8")
    assert len(hooks) == 3
    assert all(hook in run for hook in hooks)


def test_commands_side_by_side_are_printed_in_order_and_fail_together() -> None:
    words = [CI / "side_by_side", "sleep 0.3; echo first", "echo second; exit 3", "echo third"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    said = ["first", "second", "failed: echo second; exit 3", "third"]
    assert (done.returncode, done.stdout.splitlines()) == (1, said)
    assert subprocess.run(words[:2], capture_output=True, check=False).returncode == 0
