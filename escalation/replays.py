"""One trajectory of a saved run, played again and told in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from escalation.errors import InputError
from escalation.report.story import Cast, tell
from escalation.report.text import WIDTH, paragraph, safe
from escalation.results.kept_study import kept_study
from escalation.results.under_rule import rules_of, under_rule
from escalation.study.names import suggestion

if TYPE_CHECKING:
    import xarray as xr

    from escalation.contracts.tables import Tables
    from escalation.study.schema import Study


def replay(
    ds: xr.Dataset,
    *,
    flashpoint: str,
    structure: str,
    draw: int,
    trajectory: int,
    rule: str | None = None,
    width: int = WIDTH,
) -> list[str]:
    """Tell one trajectory of a run.

    Parameters
    ----------
    ds : xarray.Dataset
        Results, from :func:`escalation.run` or :func:`escalation.open_results`.
    flashpoint, structure : str
        Names, as in the dataset's coordinates.
    draw, trajectory : int
        Numbers, counted from 0.
    rule : str, optional
        Decision rule; the headline rule if not given.
    width : int
        Columns.

    Returns
    -------
    list of str
        The story, line by line.

    Raises
    ------
    InputError
        If the dataset has no such flashpoint, structure, draw, trajectory or rule.
    ResultsError
        If the study that it keeps cannot be read, or is that of other results.

    Examples
    --------
    >>> import escalation
    >>> study = escalation.load_study("configs/asian_nato.yaml")
    >>> ds = escalation.run(study, draws=1, trajectories=2)
    >>> story = replay(ds, flashpoint="taiwan_strait", structure="trilateral", draw=0, trajectory=1)
    >>> len(story) > 0
    True
    """
    _require("flashpoint", flashpoint, ds.flashpoint.values.tolist())
    _require("structure", structure, ds.structure.values.tolist())
    _require_below("draw", draw, ds.sizes["draw"])
    _require_below("trajectory", trajectory, int(ds.attrs["trajectories"]))
    study = kept_study(ds, flashpoint, [structure])
    stage = set_stage(
        ds, study, flashpoint=flashpoint, structure=structure, draw=draw, rule=rule
    )
    head = (
        f"{study.flashpoints[flashpoint].title} under {study.structures[structure].title}, "
        f"draw {draw}, trajectory {trajectory}, seed {ds.attrs['seed']}"
        + (f", {stage.rule.replace('_', ' ')}" if len(rules_of(ds)) > 1 else "")
    )
    story = tell(stage.log(trajectory), stage.cast, width)
    return [*paragraph(safe(head), width), *story]


@dataclass(frozen=True)
class Stage:
    """A structure at a flashpoint in one draw of a run, ready to be played.

    Attributes
    ----------
    tables : Tables
        Compiled, of this draw alone.
    seed, draw : int
    rule : str
        Decision rule.
    cast : Cast
        Titles of everybody.
    """

    tables: Tables
    seed: int
    draw: int
    rule: str
    cast: Cast

    def log(self, trajectory: int) -> np.ndarray:
        """Play one trajectory; see :mod:`escalation.kernel.log`."""
        from escalation.simulation.threads import log_trajectory

        return np.asarray(log_trajectory(self.tables, 0, self.seed, self.draw, trajectory))


def set_stage(
    ds: xr.Dataset,
    study: Study,
    *,
    flashpoint: str,
    structure: str,
    draw: int,
    rule: str | None = None,
) -> Stage:
    """Compile what it takes to play trajectories of one draw again.

    Parameters
    ----------
    ds : xarray.Dataset
        Results.
    study : Study
        Theirs, from :func:`escalation.results.kept_study.kept_study`.
    flashpoint, structure : str
        Names.
    draw : int
        Number, counted from 0.
    rule : str, optional
        Decision rule; the headline rule if not given.
    """
    from escalation.model.compile import compile_block, onset_anchor
    from escalation.model.draws import Draws

    place = study.flashpoints[flashpoint]
    names = tuple(str(name) for name in ds.parameter.values)
    draws = Draws(names, ds.parameter_value.values[:, [draw]])
    rule = str(under_rule(ds, rule).attrs["decision_rule"])
    anchor = onset_anchor(study, place, draws, rule)
    tables = compile_block(
        study, place, study.structures[structure], draws, anchor, rule=rule
    )
    return Stage(tables, int(ds.attrs["seed"]), draw, rule, cast_of(study, flashpoint))


def cast_of(study: Study, flashpoint: str) -> Cast:
    """Return the titles of everybody at a flashpoint."""
    place = study.flashpoints[flashpoint]
    title = {name: safe(actor.title) for name, actor in study.actors.items()}
    return Cast(
        title[place.challenger],
        title[place.defender],
        tuple(title[name] for name in place.third_parties),
    )


def _require(what: str, name: str, choices: list[str]) -> None:
    if name not in choices:
        raise InputError(f"{what}: unknown name {name!r} {suggestion(name, choices)}")


def _require_below(what: str, number: int, n: int) -> None:
    if not 0 <= number < n:
        raise InputError(f"{what}: {number} is not between 0 and {n - 1}")
