"""The one gate between words and integers: nothing passes it that the kernel could not play.

Numbers must be finite, and every entry of a table must lie in its format
(:func:`escalation.contracts.tables.formats`). What does not is named: the quantity,
the draw, the flashpoint, the structure, and the parameters that would mend it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from escalation.contracts.tables import INVALID, ONE16, Tables, formats, one_cell
from escalation.kernel.formats import outside_formats
from escalation.model.draws import Draws


@dataclass(frozen=True)
class Fault:
    """A number that cannot be played.

    Attributes
    ----------
    cell : int
        Cell of the block.
    what : str
        Which number it is, and what is wrong with it.
    """

    cell: int
    what: str


def first_fault(
    draws: Draws, anchor: np.ndarray, inputs: NamedTuple, rounds: NamedTuple, tables: Tables
) -> Fault | None:
    """Return the first fault of a block, None where all of it can be played.

    Parameters
    ----------
    draws : Draws
        One draw per cell.
    anchor : float array, shape (cell, 2)
        Log of onset's mean response.
    inputs, rounds : NamedTuple of float arrays
        Numbers that the tables were made of, first axis the cell.
    tables : Tables
        The block.
    """
    numbers = {f"parameter {n}": v for n, v in zip(draws.names, draws.values, strict=True)}
    numbers |= {**inputs._asdict(), **rounds._asdict(), "onset anchor": anchor}
    for name, values in numbers.items():
        wrong = ~np.isfinite(values)
        if wrong.any():
            place = np.unravel_index(int(wrong.argmax()), wrong.shape)
            return Fault(int(place[0]), f"{name} is {np.asarray(values)[place]:g}")
    wrong = (outside_formats(tables) > 0) | _overfull(tables)
    if wrong.any():
        cell = int(wrong.argmax())
        return Fault(cell, next(_misfits(one_cell(tables, cell)), "grid_power: more than the grid"))
    return None


def _overfull(tables: Tables) -> np.ndarray:
    """Return the cells whose perceived power would leave the grid, but for rounding."""
    n_power = tables.brink.shape[2]
    return tables.grid_power.sum(axis=1, dtype=np.int64) >= (n_power - 1) * ONE16 + 256


def _misfits(cell: Tables) -> Iterator[str]:
    """Describe the first entry outside its format of each table of a cell."""
    sizes = (len(cell.veto), len(cell.outlook), *cell.brink.shape[1:])
    for name, array, low, high in zip(Tables._fields, cell, *formats(*sizes), strict=True):
        wrong = (array < low) | (array > high)
        if wrong.any():
            place = tuple(int(k) for k in np.argwhere(wrong)[0])
            value = "no number that fits" if array[place] == INVALID else str(array[place])
            yield f"table {name}{list(place)}: {value}, not from {low[place]} to {high[place]}"


def blame(usual: Mapping[str, float], draw: Draws, mends: Callable[[str], bool]) -> str:
    """Name the parameters each of which would mend a draw if it stood at its default.

    Parameters
    ----------
    usual : mapping of str to float
        Default of every parameter.
    draw : Draws
        One draw.
    mends : callable
        Whether the draw passes with this parameter at its default.
    """
    guilty = [
        f"{name} = {draw[name][0]:g} (default {usual[name]:g})"
        for name in draw.names
        if draw[name][0] != usual[name] and mends(name)
    ]
    if not guilty:
        return "no single parameter put at its default would mend it"
    return "it would pass with the default of " + " or ".join(guilty)
