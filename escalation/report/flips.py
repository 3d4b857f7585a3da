"""What drives a difference and what flips it, in lines of text."""

from __future__ import annotations

import math

import numpy as np

from escalation.analysis.drivers import Drivers
from escalation.analysis.summary import Examination
from escalation.report.text import paragraph, plain_number, safe, short_number
from escalation.results.quantities import RISKS, Quantity
from escalation.statistics.sensitivity import Sensitivity
from escalation.statistics.thresholds import Threshold

MOST = 5
LEAST_TOTAL = 0.02


def flip_lines(e: Examination, place: str, width: int) -> list[str]:
    """Lines on every risk at a flashpoint."""
    title = f"{safe(e.structure)} against {safe(e.reference)}: what drives it, what flips it"
    if e.no_drivers:
        return paragraph(f"{title}: {e.no_drivers}", width)
    lines = [title[:width]]
    none: dict[str, list[str]] = {}
    for risk in e.risks:
        found = e.drivers.get((place, risk.risk))
        if found is None:
            none.setdefault(e.reasons[place, risk.risk], []).append(risk.title)
            continue
        for i, text in enumerate(_texts(found, risk)):
            head = f"  {risk.risk.replace('_', ' '):<17}" if i == 0 else " " * 19
            lines += paragraph(text, width, head, " " * 21)
    for reason, titles in none.items():
        lines += paragraph(f"{reason}: {', '.join(titles)}", width, "  ", "  ")
    return lines


def _texts(d: Drivers, risk: Quantity) -> list[str]:
    unit = "" if risk.trials == "years" or risk.risk not in RISKS else " points"
    scale = 100.0 if unit else 1.0
    texts = [_driven_by(d.sensitivity)]
    flips = [threshold_text(t) for t in d.thresholds[:MOST]]
    texts.append(f"flips where {'; '.join(flips)}" if flips else "no single parameter flips it")
    if d.box is not None and math.isfinite(d.box.cv_density) and d.box.cv_density > 0.5:
        texts.append(
            f"reversed where {safe(d.box.text())}: coverage {_share(d.box.coverage)}, density "
            f"{_share(d.box.density)} (on draws not seen {_share(d.box.cv_density)}; overall "
            f"{_share(d.box.base_rate)})"
        )
    texts.append(_knowing(d, scale, unit))
    return texts


def _driven_by(s: Sensitivity) -> str:
    if s.explained <= 0:
        return "no driver stands out from chance"
    order = np.argsort(-s.total, kind="stable")[:MOST]
    parts = [
        f"{safe(s.names[k])} {_share(s.total[k])} ({_share(s.total_low[k])}–"
        f"{_share(s.total_high[k])}), first {_share(s.first[k])}"
        for k in order if s.total[k] >= LEAST_TOTAL
    ]  # fmt: skip
    return f"total: {'; '.join(parts)}; explained {_share(s.explained)}"


def threshold_text(t: Threshold) -> str:
    """Return a threshold such as ``pact_delay_days > 12.4 (9.6 to 14.8)``."""
    sign = ">" if t.rises else "<"
    interval = f"{plain_number(t.low)} to {plain_number(t.high)}"
    return f"{safe(t.parameter)} {sign} {plain_number(t.value)} ({interval})"


def _knowing(d: Drivers, scale: float, unit: str) -> str:
    i = d.information
    order = np.argsort(-i.evppi, kind="stable")[:3]
    parts = [
        f"{safe(i.names[k])} {short_number(i.evppi[k] * scale)}" for k in order if i.evppi[k] > 0
    ]
    text = (
        f"knowing everything is worth {short_number(i.evpi * scale)}{unit} "
        f"({short_number(i.evpi_low * scale)} to {short_number(i.evpi_high * scale)})"
    )
    return f"{text}; alone: {', '.join(parts)}" if parts else text


def _share(value: float) -> str:
    return f"{value:.2f}".replace("0.", ".", 1) if math.isfinite(value) else "-"
