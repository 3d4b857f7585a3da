"""Shared set-up of the tests.

Three threads are asked for before numba is imported, so that thread counts 1, 2 and 3 can
be tried on any machine.
"""

from __future__ import annotations

import os

os.environ.setdefault("NUMBA_NUM_THREADS", "3")

import cells
import pytest

from escalation.contracts.tables import Tables
from escalation.study import Study


@pytest.fixture(scope="session")
def study() -> Study:
    """The shipped study."""
    return cells.shipped_study()


@pytest.fixture(scope="session")
def varied() -> Tables:
    """A block of unlike cells: every structure at Taiwan, in three draws and at defaults."""
    return cells.varied_block()
