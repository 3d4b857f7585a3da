"""Options that several commands share, and groups of options that arrive as one argument."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from escalation.errors import InputError

if TYPE_CHECKING:
    from escalation.simulation.execution import Where
    from escalation.simulation.plan import PlanOptions

Command = Callable[..., Any]


class Whole(click.ParamType):
    """A whole number within the limits of a name; click's own messages would hide the bounds."""

    name = "integer"

    def __init__(self, limit: str) -> None:
        self.limit = limit

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        from escalation.simulation.plan import LIMITS

        low, high = LIMITS[self.limit]
        try:
            number = int(str(value))
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            self.fail(f"{value!r} is not a whole number from {low} to {high}", param, ctx)
        return number


def gathered(name: str, build: Command, *options: Command) -> Callable[[Command], Command]:
    """Give a command options whose values arrive as one argument.

    Parameters
    ----------
    name : str
        Of the argument.
    build : callable
        Makes it from the values, which are its parameters.
    options : callable
        From ``click.option``.
    """
    parts = inspect.signature(build).parameters

    def decorate(command: Command) -> Command:
        @wraps(command)
        def gathering(**given: Any) -> Any:
            mine = {part: given.pop(part) for part in parts}
            return command(**given, **{name: build(**mine)})

        for option in reversed(options):
            gathering = option(gathering)
        return gathering

    return decorate


def _plan(
    trajectories: int | None,
    draws: int | None,
    seed: int | None,
    defaults: bool,
    sweep: tuple[str, ...],
    until: tuple[str, ...],
    at_most: int | None,
) -> PlanOptions:
    return {
        "trajectories": trajectories, "draws": draws, "seed": seed, "defaults": defaults,
        "sweep": sweep or None, "until": until, "at_most": at_most,
    }  # fmt: skip


def _source(prior: bool, posterior: str | None) -> str | None:
    if prior and posterior is not None:
        raise InputError("prior and posterior exclude each other: choose one")
    return "prior" if prior else posterior


def _where(threads: int | None, scheduler: str | None) -> Where:
    from escalation.simulation.execution import Where

    return Where(threads, scheduler)


plan_options = gathered(
    "plan", _plan,
    click.option(
        "--trajectories", type=Whole("trajectories"),
        help="Per cell of flashpoint x structure x draw.",
    ),
    click.option("--draws", type=Whole("draws"), help="Parameter draws."),
    click.option("--seed", type=Whole("seed"), help="Seed of all random numbers."),
    click.option(
        "--defaults", is_flag=True, help="One draw: posterior medians, and defaults of the rest."
    ),
    click.option(
        "--sweep", multiple=True, metavar="PARAMETER",
        help="Also sweep this parameter, all others at their centre; default: the study's.",
    ),
    click.option(
        "--until", multiple=True, metavar="TARGET",
        help="Run on until EVENT:relative|absolute:TOLERANCE[:FLASHPOINT] holds; may be repeated.",
    ),
    click.option(
        "--at-most", type=Whole("at_most"), help="Trajectories at which --until gives up."
    ),
)  # fmt: skip
source_options = gathered(
    "source", _source,
    click.option("--prior", is_flag=True, help="Draw every parameter from its prior."),
    click.option(
        "--posterior", type=click.Path(), help="Posterior file; default: the one that is shipped."
    ),
)  # fmt: skip
where_options = gathered(
    "where", _where,
    click.option(
        "--threads", type=Whole("threads"), help="Threads; the results do not depend on it."
    ),
    click.option(
        "--scheduler", metavar="ADDRESS|local[:N]",
        help="Run on a Dask cluster: a trusted scheduler's address, or N processes here.",
    ),
)  # fmt: skip
