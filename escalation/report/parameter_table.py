"""The parameter registry as text."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from escalation.parameters.registry import MARKS, Parameter

_WIDTH = 100


def format_parameters(registry: Mapping[str, Parameter]) -> str:
    """Return the registry as text: a few lines per parameter, at most 100 columns."""
    lines = []
    for p in registry.values():
        lines.append(f"{p.name}  ({p.symbol})" if p.symbol != p.name else p.name)
        facts = (
            f"{p.default:.4g} {p.unit}; prior {p.prior.describe()}; bounds {p.low:g} to "
            f"{p.high:g}; {p.mark}. {p.meaning}. Source: {p.source}. Serves: {p.claim}."
        )
        lines += textwrap.wrap(facts, _WIDTH, initial_indent="    ", subsequent_indent="    ")
    counts = {mark: sum(p.mark == mark for p in registry.values()) for mark in MARKS}
    total = ", ".join(f"{n} {mark}" for mark, n in counts.items())
    return "\n".join([*lines, "-" * _WIDTH, f"{len(registry)} parameters: {total}"])


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
