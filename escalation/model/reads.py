"""Which parameters the tables of a cell depend on: those that are read when they are compiled."""

from __future__ import annotations

import numpy as np

from escalation.contracts.codes import DECISION_RULES
from escalation.model.alliance import Values
from escalation.model.draws import Draws, default_draws
from escalation.model.inputs import build_inputs
from escalation.parameters.priors import Fixed
from escalation.parameters.registry import REGISTRY
from escalation.study.idle import stated_parts
from escalation.study.schema import Study


class _Watched(Draws):
    """Draws that remember which parameters were asked for."""

    read: set[str]

    def __getitem__(self, name: str) -> np.ndarray:
        self.read.add(name)
        return super().__getitem__(name)


def _watched(study: Study) -> _Watched:
    plain = default_draws(study.parameters)
    draws = _Watched(plain.names, plain.values)
    object.__setattr__(draws, "read", set())
    return draws


def parameters_read(
    study: Study, flashpoint: str, structure: str, rule: str = DECISION_RULES[0]
) -> set[str]:
    """Return the parameters that the tables of one cell are compiled from.

    Those of the reference at the flashpoint are among them: onset and encirclement are taken
    relative to it.

    Examples
    --------
    >>> from escalation.study import load_study
    >>> study = load_study("configs/asian_nato.yaml")
    >>> read = parameters_read(study, "taiwan_strait", "trilateral")
    >>> "trilateral.decision_delay_days" in read, "asian_nato.decision_delay_days" in read
    (True, False)
    """
    # Compiling needs the compiler, which takes long to load.
    from escalation.model.compile import compile_block, onset_anchor

    draws = _watched(study)
    point = study.flashpoints[flashpoint]
    anchor = onset_anchor(study, point, draws, rule)
    compile_block(study, point, study.structures[structure], draws, anchor, rule=rule)
    return draws.read


def idle_parameters(study: Study) -> tuple[str, ...]:
    """Return the study's own parameters that are drawn and that no cell's tables depend on.

    Its own are those that it states where a quantity stands, such as the bindingness of a defender
    in a pact. Those of the registry are not among them, nor those of the study that it extends.

    Examples
    --------
    >>> from escalation.study import load_study
    >>> idle_parameters(load_study("configs/examples/baltic.yaml"))
    ()
    """
    draws = _watched(study)
    read = Values(draws)
    with np.errstate(all="ignore"):
        for point in study.flashpoints.values():
            for quantity in (point.onset_rate, point.grey_zone_incidents):
                read.of(quantity)
            for structure in study.structures.values():
                build_inputs(study, point, structure, draws)
    own, known = stated_parts(study), draws.read | REGISTRY.keys()
    return tuple(
        name for name, entry in study.parameters.items()
        if name.partition(".")[0] in own and name not in known
        and not isinstance(entry.prior, Fixed)
    )  # fmt: skip
