"""Who is bound how much: every third party's obligation, as the tables of a run take it."""

from __future__ import annotations

import os

import numpy as np
import xarray as xr

from escalation.model.alliance import binding_pacts, obligations
from escalation.model.draws import default_draws
from escalation.model.reads import idle_parameters
from escalation.study.loader import load_study
from escalation.study.schema import Study


def bindings(study: Study | str | os.PathLike[str]) -> xr.Dataset:
    """Return how far each third party is bound at each flashpoint, under each structure.

    The numbers are those that the model computes with every parameter at its default: after
    coverage, the share that a member would honour, what further pacts dilute, and the flashpoint's
    own scale.

    Parameters
    ----------
    study : Study, str or path-like
        Study, or its file.

    Returns
    -------
    Dataset
        ``bindingness`` from 0 (free) to 1 (bound to fight), ``bilateral``, which is what would be
        left outside all pacts, and ``pacts``, the names of those that bind the third party there;
        each by flashpoint, structure and third party. Numbers are NaN where an actor is no third
        party. The attribute ``idle_parameters`` names the study's own parameters that are drawn and
        have no effect.

    Raises
    ------
    StudyError
        The study file cannot be used.

    Examples
    --------
    >>> import escalation
    >>> table = escalation.bindings("configs/asian_nato.yaml")
    >>> us = table.sel(flashpoint="taiwan_strait", third_party="united_states")
    >>> [round(float(us.bindingness.sel(structure=s)), 2) for s in ("hub_and_spoke", "trilateral")]
    [0.4, 0.42]
    >>> str(us.pacts.sel(structure="trilateral").item())
    'trilateral'
    """
    words = study if isinstance(study, Study) else load_study(study)
    draws = default_draws(words.parameters)
    points, structures = words.flashpoints, words.structures
    parties = list(dict.fromkeys(name for p in points.values() for name in p.third_parties))
    shape = (len(points), len(structures), len(parties))
    bound, alone = np.full(shape, np.nan), np.full(shape, np.nan)
    pacts = np.full(shape, "", dtype=object)
    for i, point in enumerate(points.values()):
        here = [parties.index(name) for name in point.third_parties]
        for j, structure in enumerate(structures.values()):
            bonds = obligations(structure, point, draws)
            bound[i, j, here], alone[i, j, here] = bonds.bound[0], bonds.bilateral[0]
            for name, binding in binding_pacts(structure, point, draws).items():
                pacts[i, j, parties.index(name)] = ", ".join(binding)
    dims = ("flashpoint", "structure", "third_party")
    coordinates = dict(zip(dims, (list(points), list(structures), parties), strict=True))
    variables = {"bindingness": bound, "bilateral": alone, "pacts": pacts}
    return xr.Dataset(
        {k: (dims, v) for k, v in variables.items()}, coordinates,
        {"idle_parameters": list(idle_parameters(words))},
    )  # fmt: skip
