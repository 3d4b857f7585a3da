"""The parameter registry as text."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from escalation.parameters.posterior import Update
from escalation.parameters.registry import MARKS, Parameter

_WIDTH = 100


def format_parameters(
    registry: Mapping[str, Parameter], updates: Mapping[str, Update] | None = None
) -> str:
    """Return the registry as text: a few lines per parameter, at most 100 columns.

    Parameters
    ----------
    registry : mapping of str to Parameter
        What to show.
    updates : mapping of str to Update, optional
        Prior and posterior of the parameters that a fit has updated.
    """
    updates = updates or {}
    lines = []
    for p in registry.values():
        lines.append(f"{p.name}  ({p.symbol})" if p.symbol != p.name else p.name)
        facts = (
            f"{p.default:.4g} {p.unit}; prior {p.prior.describe()}; bounds {p.low:g} to "
            f"{p.high:g}; {p.mark}. {p.meaning}. Source: {p.source}. Serves: {p.claim}."
        )
        lines += textwrap.wrap(facts, _WIDTH, initial_indent="    ", subsequent_indent="    ")
        if p.name in updates:
            lines.append(f"    {_update_text(updates[p.name])}")
    counts = {mark: sum(p.mark == mark for p in registry.values()) for mark in MARKS}
    total = ", ".join(f"{n} {mark}" for mark, n in counts.items())
    return "\n".join([*lines, "-" * _WIDTH, f"{len(registry)} parameters: {total}"])


def _update_text(update: Update) -> str:
    before, after = (
        f"{middle:.3g} [{low:.3g} to {high:.3g}]"
        for low, middle, high in (update.prior, update.posterior)
    )
    return f"median [5 to 95 %]: prior {before}, posterior {after}"


def markdown_parameters(registry: Mapping[str, Parameter]) -> str:
    """Return the registry as the Markdown table of the model document."""
    rows = [
        "| name | symbol | meaning | unit | default | prior | mark | source |",
        "|---|---|---|---|---|---|---|---|",
    ]
    rows += [
        f"| `{p.name}` | {p.symbol} | {p.meaning} | {p.unit} | {p.default:.4g} "
        f"| {p.prior.describe()} | {p.mark} | {p.source} |"
        for p in registry.values()
    ]
    return "\n".join(rows)
