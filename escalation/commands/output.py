"""What a run prints and writes beside its results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import xarray as xr


def show_results(ds: xr.Dataset, *, brief: bool = False) -> None:
    """Print the decision table and what belongs to it."""
    from escalation.report import format_show

    click.echo(format_show(ds, brief=brief))


def write_companions(ds: xr.Dataset, results: Path, folder: Path, *, figures: bool) -> None:
    """Write the table as CSV and the figures into a folder, and name the results file."""
    from escalation.report import write_decision_csv

    write_decision_csv(ds, folder / "decision_table.csv")
    n = 0
    if figures:
        from escalation.plots import save_all

        n = len(save_all(ds, folder / "figures"))
    click.echo(
        f"\n{results}  ({n} figures in {folder / 'figures'})" if figures else f"\n{results}"
    )
