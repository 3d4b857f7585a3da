"""Which parameters the tables of a cell depend on: those that are read when they are compiled."""

from __future__ import annotations

import numpy as np

from escalation.contracts.codes import DECISION_RULES
from escalation.model.compile import compile_block, onset_anchor
from escalation.model.draws import Draws, default_draws
from escalation.study.schema import Study


class _Watched(Draws):
    """Draws that remember which parameters were asked for."""

    read: set[str]

    def __getitem__(self, name: str) -> np.ndarray:
        self.read.add(name)
        return super().__getitem__(name)


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
    plain = default_draws(study.parameters)
    draws = _Watched(plain.names, plain.values)
    object.__setattr__(draws, "read", set())
    point = study.flashpoints[flashpoint]
    anchor = onset_anchor(study, point, draws, rule)
    compile_block(study, point, study.structures[structure], draws, anchor, rule=rule)
    return draws.read
