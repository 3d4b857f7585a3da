"""``escalation verify``: the kernel against exact solutions of a reduced study."""

from __future__ import annotations

from typing import Any

import click

from escalation.cli.progress import COMPILING, progress


@click.command()
@click.argument("study", type=click.Path())
@click.option("--flashpoint", help="Only this flashpoint.")
@click.option("--structure", help="Only this structure.")
@click.option(
    "--parties", type=int,
    help="Third parties to keep, 0 to 2; default: all if there are no more than two, else one.",
)  # fmt: skip
@click.option(
    "--draws", type=int, default=1, show_default=True,
    help="Parameter draws: the centre, then draws of what is known.",
)  # fmt: skip
@click.option(
    "--trajectories", type=int,
    help="Histories per world of a cell; default: 40 million in all, at most 4 million.",
)  # fmt: skip
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of all random numbers.")
@click.option(
    "--level", type=float, default=1e-4, show_default=True,
    help="Chance of any false alarm, over all checks.",
)  # fmt: skip
@click.option("--json", "output", type=click.Path(), help="Write every check to this file.")
def verify(study: str, output: str | None, **options: Any) -> None:
    """Hold the kernel against the exact solution of a reduced STUDY; exit code 1 if they differ."""
    from escalation.cli.json_file import show_and_write
    from escalation.report.verify_report import format_verify
    from escalation.study import load_study
    from escalation.verification.verify import Asked, verified

    def held() -> dict[str, Any]:
        asked = Asked(**options)
        with progress(COMPILING) as display:
            return verified(load_study(study), asked, progress=display.counting())

    result = show_and_write(output, held, format_verify)
    if not result["passed"]:
        click.get_current_context().exit(1)
