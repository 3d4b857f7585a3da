"""Results as plain text and CSV, for a terminal or a page.

The names below are loaded on first use: stories and parameter tables need no dataset library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from escalation.report.decision_table import format_decision_table, write_decision_csv
    from escalation.report.flips import format_break_even, format_sweep
    from escalation.report.prior_posterior_table import format_prior_posterior
    from escalation.report.rates import format_rates, headline_rates
    from escalation.report.show import format_show

_FILES = {
    "format_break_even": "flips",
    "format_decision_table": "decision_table",
    "format_prior_posterior": "prior_posterior_table",
    "format_rates": "rates",
    "format_show": "show",
    "format_sweep": "flips",
    "headline_rates": "rates",
    "write_decision_csv": "decision_table",
}

__all__ = [
    "format_break_even",
    "format_decision_table",
    "format_prior_posterior",
    "format_rates",
    "format_show",
    "format_sweep",
    "headline_rates",
    "write_decision_csv",
]


def __getattr__(name: str) -> Any:
    if name in _FILES:
        return getattr(import_module(f"{__name__}.{_FILES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
