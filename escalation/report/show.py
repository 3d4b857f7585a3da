"""What ``show`` prints: the run in a line, then tables and how to read them."""

from __future__ import annotations

import numpy as np
import xarray as xr

from escalation.analysis.sweep import has_sweep
from escalation.report.answer import format_answer
from escalation.report.beliefs_table import format_premises, has_premises
from escalation.report.decision_table import format_decision_table
from escalation.report.flips import format_break_even, format_sweep
from escalation.report.glossary import said_once
from escalation.report.prior_posterior_table import format_prior_posterior
from escalation.report.rates import format_rates
from escalation.report.source import source_words
from escalation.report.text import WIDTH, counted, paragraph, safe
from escalation.results.companion import centre_words, has_companion


def format_show(ds: xr.Dataset, width: int = WIDTH) -> str:
    """Return everything that results say as plain text, no line wider than `width` (at least 80).

    Headline of the run, how to read the numbers, decision table with comparisons, what it looks
    like to those who believe otherwise, prior against posterior where a posterior was used,
    break-even values, the sweep where the study asks for one, rates to hold against history, and
    last the answer.

    Parameters
    ----------
    ds : Dataset
        Results; derived variables are not needed.
    width : int
        Columns.
    """
    parts = ["\n".join(headline(ds, width))]
    parts.append(_titled("How to read this", "\n".join(_reading(width))))
    parts.append(format_decision_table(ds, width))
    if has_premises(ds):
        parts.append(_titled("For those who believe otherwise", format_premises(ds, width)))
    if has_companion(ds):
        compared = format_prior_posterior(ds, width)
        parts.append(_titled("What the fit to history changed", compared))
    parts.append(_titled("What flips the answer", format_break_even(ds, width)))
    if has_sweep(ds):
        parts.append(_titled("At the centre of everything else", format_sweep(ds, width)))
    parts.append(_titled("Rates to hold against history", format_rates(ds, width=width)))
    answer = format_answer(ds, width)
    if answer:
        parts.append(_titled("The answer", answer))
    return said_once("\n\n".join(parts), width)


def headline(ds: xr.Dataset, width: int = WIDTH) -> list[str]:
    """Lines that name the study and say how much was simulated."""
    sizes, n = ds.sizes, int(ds.attrs["trajectories"])
    cells = sizes["flashpoint"] * sizes["structure"] * sizes["draw"]
    title = ds.attrs.get("study_title") or ds.attrs.get("study_name") or "unnamed study"
    size = (
        f"{counted(sizes['flashpoint'], 'flashpoint')} x "
        f"{counted(sizes['structure'], 'structure')} x "
        f"{counted(sizes['draw'], 'parameter draw')} x {n:,} histories = "
        f"{_large(cells * n)} histories "
        f"of {int(ds.attrs['horizon_years'])} years, seed {ds.attrs['seed']}"
    )
    if ds.attrs.get("default_point"):
        size += f", all parameters at {centre_words(ds)}"
    source = source_words(ds.attrs, sizes["parameter"])
    texts = (safe(title), size, source, saturation_words(ds))
    return [line for text in texts if text for line in paragraph(text, width)]


def saturation_words(ds: xr.Dataset) -> str:
    """Say in how many draws disputes came at the limit of the tables; empty if in none.

    Parameters
    ----------
    ds : Dataset
        Results; those of older files do not say and give an empty text.
    """
    counts = ds.get("saturated_count")
    if counts is None or not bool(counts.any()):
        return ""
    draws = int((counts > 0).any([dim for dim in counts.dims if dim != "draw"]).sum())
    index = np.unravel_index(int(counts.values.argmax()), counts.shape)
    worst = counts[dict(zip(counts.dims, index, strict=True))]
    rule, flashpoint, structure = (
        safe(worst[dim].item()) for dim in ("decision_rule", "flashpoint", "structure")
    )
    return (
        f"In {counted(draws, 'draw')} of {ds.sizes['draw']:,} disputes came at the limit of 32 a "
        f"month or 256 a year, most of all at {flashpoint} under {structure} by "
        f"{rule.replace('_', ' ')}, in {int(worst):,} of {int(ds.attrs['trajectories']):,} "
        "histories of a draw: fewer disputes came there than the parameters ask for"
    )


def _large(number: int) -> str:
    return f"{number / 1e6:.1f} M" if number >= 1e6 else f"{number:,}"


def _titled(title: str, text: str) -> str:
    return f"{title}\n{'-' * len(title)}\n{text}"


def _reading(width: int) -> list[str]:
    text = (
        "These are statements about a model under stated assumptions, not forecasts.",
        "P(war), P(great-power war), P(nuclear use) and P(concession) are unconditional: they say "
        "what happens within the horizon, however many disputes that takes. Disputes per year are "
        "per calendar year of it.",
        "Two uncertainties: chance in the simulation, which more histories make smaller, stands "
        "below each table; the range over draws is what is not known, and no run makes it smaller.",
    )
    return [line for part in text for line in paragraph(part, width, "- ", "  ")]
