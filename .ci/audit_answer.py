"""Say what the advisory service answered: exit code 1 where it knows of a vulnerability.

    python .ci/audit_answer.py PINS ANSWER CODE SAID

ANSWER is what pip-audit wrote as JSON, CODE its exit code, SAID what it printed. Without an
answer nobody was asked, which is said and passes. Standard library only.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def verdict(pins: int, answer: Any) -> tuple[int, list[str]]:
    """Return the exit code and what to say, the last line in sum."""
    packages = answer["dependencies"]
    skipped = [one for one in packages if "skip_reason" in one]
    found = [(one, fault) for one in packages for fault in one.get("vulns", [])]
    lines = [
        f"{one['name']} {one['version']}: {fault['id']}, mended in "
        f"{', '.join(fault.get('fix_versions', [])) or 'no version'}"
        for one, fault in found
    ]
    answered = len(packages) - len(skipped)
    if found:
        return 1, [*lines, f"audit: failed: {len(found)} known vulnerabilities in the "
                           f"{answered} packages that the advisory service answered for"]
    if not answered:
        return 0, ["audit: not asked: the advisory service answered for none of "
                   f"{pins} packages"]
    missing = pins - answered
    rest = f"; {missing} packages not asked" if missing else ""
    return 0, [f"audit: {answered} packages without known vulnerability{rest}"]


def main(pins: str, answer: str, code: str, said: str) -> int:
    """Print the verdict."""
    n = len(Path(pins).read_text(encoding="utf-8").splitlines())
    try:
        content = json.loads(Path(answer).read_text(encoding="utf-8"))
        result, lines = verdict(n, content)
    except (OSError, ValueError, KeyError, TypeError):
        words = Path(said).read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        result, lines = 0, [*words, f"audit: not asked: no answer for {n} packages (pip-audit "
                                    f"ended with code {code})"]
    print("\n".join(lines))
    return result


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
