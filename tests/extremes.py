"""Studies with extreme but valid numbers, and what comes of them: run also as a process.

As a script it reads one study (JSON) a line and answers with one line each, so that the same
studies can be played by the Python interpreter alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

CONFIGS = Path(__file__).resolve().parent.parent / "configs"
LONGEST_MESSAGE = 2_000


def outcome(words: dict[str, Any], trajectories: int = 12) -> dict[str, Any]:
    """Return a study's counts as checksums, or its refusal as one line."""
    import escalation as esc
    from escalation.errors import EscalationError, StudyWarning
    from escalation.model.compile import Grid
    from escalation.study.loader import parse_study

    try:
        with warnings.catch_warnings():
            # Some parameters are read by nothing in these studies.
            warnings.simplefilter("ignore", StudyWarning)
            study = parse_study(words, CONFIGS)
        ds = esc.run(
            study, draws=1, trajectories=trajectories, where=1, sweep=False, source="prior",
            grid=Grid(4, 3),
        )
    except EscalationError as error:
        return {"refused": str(error)}
    counts = {str(n): ds[n].values for n in ds.variables if ds[n].dtype.kind == "i"}
    return {
        "checksum": {
            name: hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:12]
            for name, array in sorted(counts.items())
        },
        "tables": ds.attrs["table_checksum"],
        "disputes": int(counts["crisis_count"].sum()),
    }


def plain_environment() -> dict[str, str]:
    """Return the environment of a process in which nothing is compiled."""
    here = Path(__file__).resolve().parent
    return {
        **os.environ, "NUMBA_DISABLE_JIT": "1",
        "PYTHONPATH": os.pathsep.join([str(here), str(here.parent)]),
    }


def main() -> None:
    # NumPy warns of the wrap-around that unsigned arithmetic is used for.
    warnings.simplefilter("ignore", RuntimeWarning)
    for line in sys.stdin:
        print(json.dumps(outcome(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
