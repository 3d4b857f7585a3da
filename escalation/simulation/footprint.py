"""What a run will hold in memory, from its sizes alone, and a refusal of what is too big.

Trajectories cost nothing: they are counted and forgotten. Counts grow with draws in every cell,
and are held several times over: as they are added up, in the Dataset, and in what is derived
from them and written. A campaign also holds the line of every block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from escalation.contracts.tables import empty_tables
from escalation.memory import refuse_beyond_room
from escalation.simulation.accumulate import cell_bytes
from escalation.simulation.simulator import MAX_BLOCK_DRAWS, count_blocks
from escalation.simulation.workload import Size, cells_per_draw, companion_size, companion_study
from escalation.study.schema import Study

if TYPE_CHECKING:
    from escalation.model.compile import Grid

LIBRARIES = 250_000_000
"""Of the compiler and the libraries that a run loads."""
COPIES_OF_COUNTS = 3
COPIES_OF_VALUES = 6
COPIES_OF_TABLES = 4
"""Integer tables of a block, and the fractions that they are made of."""
LINE_BYTES, LINE_DRAW_BYTES = 5_000, 200
"""Of a block's line in the journal of a campaign, as text and as read; and of each draw in it."""


def refuse_big_run(
    study: Study,
    size: Size,
    companion: bool,
    grid: Grid | None = None,
    block_size: int | None = None,
) -> None:
    """Refuse a run that needs more memory than there is, before anything is played.

    Parameters
    ----------
    study, size, companion, grid
        As in :func:`run_bytes`.
    block_size : int, optional
        Of a campaign.

    Raises
    ------
    InputError
        It needs more than this process may still take.
    """
    draws, trajectories = size
    need = run_bytes(study, size, companion, grid)
    refuse_beyond_room(
        f"a run of {cells_per_draw(study)} cells x {draws:,} draws", need,
        "lower draws, or leave structures, flashpoints or decision rules out",
    )
    if block_size is not None:
        blocks = cells_per_draw(study) * count_blocks(draws, trajectories, block_size)
        need += blocks * LINE_BYTES + cells_per_draw(study) * draws * LINE_DRAW_BYTES
        refuse_beyond_room(
            f"a campaign of about {blocks:,} blocks", need,
            "lower draws or trajectories",
        )


def run_bytes(study: Study, size: Size, companion: bool, grid: Grid | None = None) -> int:
    """Return about how many bytes a run takes at its peak.

    Parameters
    ----------
    study : Study
        What is run.
    size : (int, int)
        Draws, and trajectories per cell and draw.
    companion : bool
        Whether a companion from the priors is played too.
    grid : Grid, optional
        Resolution of the tables.
    """
    draws = size[0]
    cells = cells_per_draw(study) * draws
    if companion:
        cells += cells_per_draw(companion_study(study)) * companion_size(size)[0]
    parties = max(len(place.third_parties) for place in study.flashpoints.values())
    tables = min(draws, MAX_BLOCK_DRAWS) * table_bytes(parties, study.horizon_years, grid)
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

