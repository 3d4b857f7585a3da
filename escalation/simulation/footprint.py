"""What a run will hold in memory, from its sizes alone, and a refusal of what is too big.

Trajectories cost nothing: they are counted and forgotten. Counts grow with draws in every cell,
and are held several times over: as they are added up, in the Dataset, and in what is derived
from them and written. A campaign also holds the key of every block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from escalation.contracts.tables import empty_tables
from escalation.memory import refuse_beyond_room
from escalation.simulation.accumulate import cell_bytes
from escalation.simulation.parameter_source import Source
from escalation.simulation.plan import Plan, companion_size
from escalation.simulation.workload import (
    MAX_BLOCK_DRAWS,
    cells_per_draw,
    companion_study,
    count_blocks,
)

if TYPE_CHECKING:
    from escalation.model.compile import Grid

LIBRARIES = 250_000_000
"""Of the compiler and the libraries that a run loads."""
COPIES_OF_COUNTS = 3
COPIES_OF_VALUES = 6
COPIES_OF_TABLES = 4
"""Integer tables of a block, and the fractions that they are made of."""
KEY_BYTES = 1_500
"""Of what a campaign remembers of a block: its key, its row and its checksum."""


def refuse_big_run(plan: Plan, source: Source, *, campaign: bool = False) -> None:
    """Refuse a run that needs more memory than there is, before anything is simulated.

    Parameters
    ----------
    plan : Plan
        What is done.
    source : Source
        The study, and where its parameters come from.
    campaign : bool
        Whether blocks are stored.

    Raises
    ------
    InputError
        It needs more than this process may still take.
    """
    study, (draws, trajectories) = source.study, plan.size
    need = run_bytes(plan, source)
    refuse_beyond_room(
        f"a run of {cells_per_draw(study)} cells x {draws:,} draws", need,
        "lower draws, or leave structures, flashpoints or decision rules out",
    )
    if campaign:
        blocks = cells_per_draw(study) * count_blocks(draws, trajectories, plan.block_size)
        refuse_beyond_room(
            f"a campaign of about {blocks:,} blocks", need + blocks * KEY_BYTES,
            "lower draws or trajectories",
        )


def run_bytes(plan: Plan, source: Source) -> int:
    """Return about how many bytes a run takes at its peak."""
    study, draws = source.study, plan.draws
    cells = cells_per_draw(study) * draws
    beside = cells_per_draw(companion_study(study)) * companion_size(plan.size)[0]
    cells += len(source.companions) * beside
    parties = max(len(flashpoint.third_parties) for flashpoint in study.flashpoints.values())
    tables = min(draws, MAX_BLOCK_DRAWS) * table_bytes(parties, study.horizon_years, plan.grid)
    return (
        LIBRARIES
        + COPIES_OF_COUNTS * cells * cell_bytes(study)
        + COPIES_OF_VALUES * len(study.parameters) * draws * 8
        + COPIES_OF_TABLES * tables
    )


def table_bytes(parties: int, years: int, grid: Grid | None = None) -> int:
    """Return the bytes of the integer tables of one cell."""
    from escalation.model.compile import DEFAULT_GRID

    grid = grid or DEFAULT_GRID
    tables = empty_tables(1, parties, years, grid.n_power, grid.n_us)
    return sum(table.nbytes for table in tables)

