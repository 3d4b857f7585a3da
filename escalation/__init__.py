"""Monte Carlo crisis escalation under rival alliance structures.

>>> import escalation
>>> study = escalation.load_study("configs/asian_nato.yaml")  # doctest: +SKIP
>>> ds = escalation.run(study, draws=16, trajectories=1_000)  # doctest: +SKIP

Everything is loaded on first use, so that importing the package costs next to nothing and
opening results never needs the compiler.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from escalation import plots
    from escalation.replays import replay
    from escalation.results import estimates, open_results, save_results
    from escalation.simulation.run import run
    from escalation.study import Study, load_study, parse_study

__version__ = "0.1.0"

_PLACES = {
    "Study": "escalation.study",
    "load_study": "escalation.study",
    "parse_study": "escalation.study",
    "run": "escalation.simulation.run",
    "replay": "escalation.replays",
    "estimates": "escalation.results",
    "open_results": "escalation.results",
    "save_results": "escalation.results",
}

__all__ = [
    "Study",
    "__version__",
    "estimates",
    "load_study",
    "open_results",
    "parse_study",
    "plots",
    "replay",
    "run",
    "save_results",
]


def __getattr__(name: str) -> Any:
    if name == "plots":
        return import_module("escalation.plots")
    if name in _PLACES:
        value = getattr(import_module(_PLACES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'escalation' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
