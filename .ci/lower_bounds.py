"""Print the lower bounds of pyproject.toml as pins, one a line; with --python the lowest Python.

Standard library only, so that it runs before anything is installed. The extras `test`, `docs` and
`coverage` check the package, and are not what it runs on: their tools are left out.

    python .ci/lower_bounds.py [PYPROJECT] [--python]
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_TOOLS = ("test", "coverage", "docs")
_BOUND = re.compile(r"([A-Za-z0-9._-]+)>=([0-9][0-9.]*)")


def pins(project: dict[str, Any]) -> Iterator[str]:
    """Yield every lower bound as a pin."""
    extras = project.get("optional-dependencies", {})
    lists = [project["dependencies"], *(extras[name] for name in extras if name not in _TOOLS)]
    for requirement in (one for several in lists for one in several):
        bound = _BOUND.fullmatch(requirement)
        if bound is None:
            sys.exit(f"lower bounds: {requirement!r} is not of the form NAME>=VERSION")
        yield f"{bound[1]}=={bound[2]}"


def main(arguments: list[str]) -> None:
    """Print what was asked for."""
    files = [one for one in arguments if one != "--python"]
    root = Path(__file__).resolve().parent.parent
    text = Path(files[0] if files else root / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    if "--python" in arguments:
        print(project["requires-python"].removeprefix(">="))
    else:
        print("\n".join(pins(project)))


if __name__ == "__main__":
    main(sys.argv[1:])
