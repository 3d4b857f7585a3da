"""Monte Carlo crisis escalation under rival alliance structures.

>>> import escalation
>>> study = escalation.load_study("configs/asian_nato.yaml")  # doctest: +SKIP
>>> ds = escalation.run(study, draws=16, trajectories=1_000)  # doctest: +SKIP

Everything is loaded on first use, so that importing the package costs next to nothing and
opening results never needs the compiler.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from escalation import plots
    from escalation.analysis.comparison import compare
    from escalation.analysis.premises import premises
    from escalation.analysis.reweighting import reweight
    from escalation.history.backtest import backtest
    from escalation.history.cases import cases
    from escalation.model.bindings import bindings
    from escalation.replays import replay
    from escalation.report.answer import format_answer as answer
    from escalation.report.decision_table import decision_table
    from escalation.report.parameter_table import parameters
    from escalation.results import estimates, open_results, save_results
    from escalation.schemas.json_schema import file_schema as schema
    from escalation.simulation.run import run
    from escalation.study import Study, load_study, parse_study
    from escalation.study.diff import diff
    from escalation.verification.pins import confirm
    from escalation.verification.verify import verify

__version__ = "0.1.0"

_HOMES = {
    "Study": "escalation.study",
    "answer": "escalation.report.answer:format_answer",
    "backtest": "escalation.history.backtest",
    "bindings": "escalation.model.bindings",
    "cases": "escalation.history.cases",
    "compare": "escalation.analysis.comparison",
    "changes": "escalation.analysis.changes",
    "confirm": "escalation.verification.pins",
    "decision_table": "escalation.report.decision_table",
    "diff": "escalation.study.diff",
    "premises": "escalation.analysis.premises",
    "reweight": "escalation.analysis.reweighting",
    "parameters": "escalation.report.parameter_table",
    "schema": "escalation.schemas.json_schema:file_schema",
    "verify": "escalation.verification.verify",
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
    "answer",
    "backtest",
    "bindings",
    "cases",
    "changes",
    "compare",
    "confirm",
    "decision_table",
    "diff",
    "estimates",
    "load_study",
    "open_results",
    "parameters",
    "parse_study",
    "plots",
    "premises",
    "replay",
    "reweight",
    "run",
    "save_results",
    "schema",
    "verify",
]


class _Package(ModuleType):
    """The package; a room that is imported does not hide the public function of its name."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name == "plots":
        return import_module("escalation.plots")
    if name in _HOMES:
        module, _, inside = _HOMES[name].partition(":")
        value = getattr(import_module(module), inside or name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'escalation' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
