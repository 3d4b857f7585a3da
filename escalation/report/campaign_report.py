"""How far a campaign is, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from escalation.report.glossary import explained
from escalation.report.text import WIDTH, paragraph, safe, short_number, table

if TYPE_CHECKING:
    from escalation.simulation.status import Estimate, Status

_EVENTS = {"war": "P(war)", "great_power_war": "P(great-power war)"}


def format_status(status: Status, width: int = WIDTH) -> str:
    """Return the state of a campaign in lines of text, none wider than `width`."""
    share = 100 * status.histories_done / status.histories
    texts = [
        f"{safe(status.study)}: {status.draws} draws of {status.trajectories:,} histories each",
        f"{status.blocks_done:,} of {status.blocks:,} blocks of histories, "
        f"{status.histories_done:,} of {status.histories:,} histories ({share:.1f} %)",
        _pace(status),
        f"at work: {safe(status.holder)}" if status.holder else "nobody is at work on it",
    ]
    lines = [line for text in texts for line in paragraph(text, width)]
    if status.estimates:
        head = "So far, in per cent, over the whole horizon: mean [5–95 % of draws]; chance [95 %]"
        lines += ["", *paragraph(head, width), *_estimates(status, width)]
    return explained(lines, width)


def _estimates(status: Status, width: int) -> list[str]:
    rows = []
    for e in status.estimates:
        value = f"<{_percent(e.high)}" if not e.hits and e.high is not None else None
        spread, chance = _range(e.draws_low, e.draws_high), _range(e.low, e.high)
        rows.append((f"{e.flashpoint} {e.structure}", [
            _EVENTS[e.event],
            f"{value or _percent(e.probability)}\n{spread}".rstrip(),
            "none seen" if value else chance or "not known yet",
        ]))  # fmt: skip
    return table(["", "mean", "chance"], rows, width)


def _range(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"[{_percent(low)}–{_percent(high)}]"


def estimate_words(estimate: Estimate) -> str:
    """Return a probability with both uncertainties, in per cent."""
    low, high = estimate.low, estimate.high
    if low is None or high is None:
        chance = "chance not known yet"
    else:
        chance = f"{_percent(low)}–{_percent(high)}"
    draws = "range over draws not known yet"
    if estimate.draws_low is not None and estimate.draws_high is not None:
        draws = f"{_percent(estimate.draws_low)}–{_percent(estimate.draws_high)}"
    value = _percent(estimate.probability)
    if not estimate.hits and high is not None:
        value, chance = f"<{_percent(high)}", "none seen"
    return f"{value} [{chance}; {draws}]"


def duration_words(seconds: float) -> str:
    """Return a time in words.

    >>> duration_words(59), duration_words(3700), duration_words(200_000)
    ('59 s', '1 h 1 min', '2 d 7 h')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


def _pace(status: Status) -> str:
    if status.finished:
        return "finished; results.nc is there"
    if status.seconds_left is None:
        return "no block was timed yet"
    return (
        f"{status.rate / 1e6:.3g} M histories per second over the latest blocks, "
        f"{duration_words(status.seconds_left)} left"
    )


def _percent(share: float) -> str:
    return short_number(100 * share)
