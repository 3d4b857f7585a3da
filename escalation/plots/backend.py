"""Matplotlib, loaded whatever ``MPLBACKEND`` says: figures go to files and need no backend.

Matplotlib cannot be imported while that variable names a backend that is not installed, as it
does in commands that are started from a notebook.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

FORMATS = ("png", "svg", "pdf")
"""What a figure can be saved as."""


def load_matplotlib() -> None:
    """Import matplotlib; a backend that the user asked for holds where there is one."""
    asked = os.environ.pop("MPLBACKEND", None)
    if asked is None:
        return
    try:
        if "matplotlib" not in sys.modules:
            import matplotlib

            with suppress(ValueError):
                matplotlib.rcParams["backend"] = asked
    finally:
        os.environ["MPLBACKEND"] = asked


load_matplotlib()
