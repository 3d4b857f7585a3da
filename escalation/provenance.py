"""What code a run was made with."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def packages() -> dict[str, str]:
    """Return the versions of Python and of the packages that shape the results."""
    found = {"python": platform.python_version()}
    for name in ("escalation", "numpy", "numba", "scipy", "xarray"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def git_state() -> str:
    """Return the commit of the checkout that holds the package, if it is one."""
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return "not a checkout"
    try:
        answer = subprocess.run(
            ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return answer.stdout.strip()


_MODEL = ("contracts", "kernel", "model", "parameters", "statistics/copula.py",
          "statistics/hypercube.py", "study")


def model_sha256() -> str:
    """Return the checksum over the sources that turn a study into counts."""
    package = Path(__file__).resolve().parent
    digest = hashlib.sha256()
    for name in _MODEL:
        place = package / name
        for file in sorted(place.glob("*.py")) if place.is_dir() else (place,):
            text = file.read_bytes()
            label = file.relative_to(package).as_posix().encode()
            digest.update(label + b"\0" + len(text).to_bytes(8, "big") + text)
    return digest.hexdigest()
