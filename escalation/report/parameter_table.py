"""The parameter registry as text."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from escalation.parameters.registry import Parameter

_WIDTH = 100


def format_parameters(registry: Mapping[str, Parameter]) -> str:
    """Return the registry as text: two or three lines per parameter, at most 100 columns."""
    head = f"{'name':<30}{'default':>9}  {'unit':<12}{'prior':<24}{'mark':<11}symbol"
    lines = [head, "-" * _WIDTH]
    for p in registry.values():
        lines.append(
            f"{p.name:<30}{p.default:>9.4g}  {p.unit:<12}{p.prior.describe():<24}{p.mark:<11}{p.symbol}"
        )
        note = f"{p.meaning}. Source: {p.source}. Bounds {p.low:g} to {p.high:g}. Serves: {p.claim}."
        lines += textwrap.wrap(note, _WIDTH, initial_indent="    ", subsequent_indent="    ")
    counts = {mark: sum(p.mark == mark for p in registry.values()) for mark in ("read", "computed", "judgement")}
    total = ", ".join(f"{n} {mark}" for mark, n in counts.items())
    return "\n".join([*lines, "-" * _WIDTH, f"{len(registry)} parameters: {total}"])
