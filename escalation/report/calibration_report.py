"""Calibration as plain text: what moved, how well the chains mixed, which facts are met."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from escalation.parameters.registry import REGISTRY
from escalation.report.text import WIDTH, counted, line_of, paragraph, short_number

if TYPE_CHECKING:
    from escalation.history.calibrate import FittedPosterior
    from escalation.history.predictive_checks import Fact, Facts
    from escalation.history.surveys import Held

_NAME, _CELL = 28, 10
MOVED = 0.5
"""A parameter has moved if its mean lies this far from the prior's centre, or its spread has
shrunk to below this share of one standard deviation less."""


def format_calibration(found: FittedPosterior) -> str:
    """Text of a calibration: prior and posterior of every parameter that the data moved."""
    z = found.sample.z.reshape(-1, found.sample.z.shape[2])
    mean, sd = z.mean(axis=0), z.std(axis=0)
    order = np.argsort(-np.maximum(np.abs(mean), 2.0 * (1.0 - sd)))
    informed = [k for k in order if abs(mean[k]) > MOVED or sd[k] < 1.0 - MOVED / 2]
    lines = [
        f"Fitted {counted(len(mean), 'parameter')}; the data speak of {len(informed)}, the others "
        "keep about their priors.",
        "",
        line_of("", ["prior", "5 %", "median", "95 %", "shift", "spread"], _NAME, _CELL),
    ]
    values = found.posterior.values
    for k in informed:
        name = found.posterior.names[k]
        low, middle, high = np.quantile(values[k], (0.05, 0.5, 0.95))
        numbers = [REGISTRY[name].default, low, middle, high]
        cells = [short_number(float(v)) for v in numbers] + [f"{mean[k]:+.1f}", f"{sd[k]:.2f}"]
        lines.append(line_of(name, cells, _NAME, _CELL))
    lines += [
        "",
        "Shift and spread in standard deviations of the prior.",
        f"Chains: R-hat at most {found.sample.r_hat.max():.3f} (wanted {found.max_r_hat}), bulk "
        f"effective sample size at least {found.sample.ess.min():.0f} "
        f"(wanted {found.min_ess:.0f}), "
        f"{found.sample.accepted:.0%} of steps accepted.",
    ]
    lines[-1:] = paragraph(lines[-1], WIDTH)
    return "\n".join(lines)


def format_checks(checks: Facts) -> str:
    """Text of posterior predictive checks."""
    lines = ["", line_of("Fact", ["observed", "5 %", "median", "95 %", ""], 44, _CELL)]
    lines += [_check_line(check) for check in checks.facts]
    lines.append(f"90 % intervals of group rates cover {checks.share_covered:.0%} of the groups.")
    return "\n".join(lines)


def _check_line(check: Fact) -> str:
    numbers = (check.value, check.low, check.middle, check.high)
    verdict = "inside" if check.inside else "OUTSIDE"
    return line_of(check.name, [*(short_number(v) for v in numbers), verdict], 44, _CELL)


def format_surveys(held: Held) -> str:
    """Text of what surveys and forecasts did to a posterior."""
    lines = ["", line_of("Survey or forecast", ["says", "model", "weighted"], 44, _CELL)]
    for survey in held.surveys:
        answer = held.answers[survey.name]
        weighted = float((answer * held.weights).sum())
        cells = [short_number(v) for v in (survey.value, float(answer.mean()), weighted)]
        lines.append(line_of(survey.name.replace("_", " "), cells, 44, _CELL))
    lines.append(f"Effective share of draws after weighting: {held.effective_share:.0%}.")
    return "\n".join(lines)
