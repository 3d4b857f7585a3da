"""``escalation cases``: the historical cases, predicted and set against what happened."""

from __future__ import annotations

from typing import Any

import click

from escalation.cli.progress import COMPILING, progress


@click.command()
@click.argument("folder", type=click.Path(), default="configs/cases")
@click.option("--json", "output", type=click.Path(), help="Write every figure to this file.")
@click.option("--prior", is_flag=True, help="Predict from the prior, not from the posterior.")
@click.option("--trajectories", type=int, default=2_000, show_default=True, help="Per draw.")
@click.option("--draws", type=int, default=64, show_default=True, help="Parameter draws.")
@click.option("--seed", type=int, help="Seed of all random numbers; by default each study's own.")
def cases(folder: str, output: str | None, **options: Any) -> None:
    """Predict the historical cases in FOLDER and say where the actual outcomes fell."""
    from escalation.cli.json_file import show_and_write
    from escalation.history.cases import cases as predict_cases
    from escalation.report.case_report import format_cases

    def predict() -> dict[str, Any]:
        with progress(COMPILING) as display:
            return predict_cases(folder, **options, progress=display.counting())

    show_and_write(output, predict, format_cases)
