r"""The prospect-theory rule: choices, brink and onset under cumulative prospect theory.

Every option is a lottery over the outcomes whose mean is its expected utility
(:mod:`escalation.model.expected_utility`). An outcome counts as a gain or a loss against a
reference point (Kahneman and Tversky 1979),

.. math::
    v(x) = x^{\alpha_+} \ (x \ge 0), \qquad v(x) = -\lambda_- (-x)^{\alpha_-} \ (x < 0),

and its chance through decision weights that depend on its rank (Tversky and Kahneman 1992),

.. math:: w_\pm(p) = p^{\gamma_\pm} / [p^{\gamma_\pm} + (1 - p)^{\gamma_\pm}]^{1/\gamma_\pm} .

With outcomes from best to worst, :math:`v_1 \ge \dots \ge v_n`, and P_i the chance of one of
the first i, the value of a lottery is

.. math::
    \max(v_n, 0) + \min(v_1, 0) + \sum_{i<n}
        w_+(P_i) [\max(v_i, 0) - \max(v_{i+1}, 0)]
        + w_-(1 - P_i) [\min(v_{i+1}, 0) - \min(v_i, 0)] .

The challenger's outcomes, with its stake V, reference point :math:`R = asp\,V` and q, w, P, W as
in the expected-utility rule (:math:`W_{won}` is W with P = 1, :math:`W_{lost}` with P = 0):

.. math::
    \text{escalate to } s = r + 1 &:\ V - 1_{s \ge 5}(C_s + \tau/2) - R \quad (q_s), \quad
        W_{won,s} - R \quad ((1 - q_s) w_s P), \\
        &\quad W_{lost,s} - R \quad ((1 - q_s) w_s (1 - P)), \quad -R \quad \text{(else)} \\
    \text{hold at } r &: \text{ the same at r, less } h V \text{, plus }
        1_{r<5}\, \epsilon V / 2 \text{ unless conceded} \\
    \text{withdraw} &: -a V (1 + a_r r) - R \quad (1) \\
    \text{brink} &:\ W_{won,5} - R \quad (P), \quad W_{lost,5} - R \quad (1 - P) \\
    U_{open} &= \text{escalation from rung 3 to 4} - v(-R)

What is sure (holding costs, coercion) moves every outcome of its option and is not
valued apart. Opening is compared with the reference point's own view of doing nothing. So
with :math:`\alpha = \lambda_- = \gamma = 1` every comparison is that of expected
utility, wherever the reference point lies. `asp` = 0 is the status quo, 1 Butler's (2007)
"I want it all", a state that takes all of the object for its own, so that everything short
of it is a loss (Levy 1997 on territory once held; McDermott 1998).

The defender's reference point is the status quo, in which it has the object, so its
outcomes are losses:

.. math::
    \text{concede} &: -V_d - a_d \quad (1) \\
    \text{hold} &: -V_d - C_{d,r} - s \quad (w_r P), \quad -C_{d,r} - s \quad (w_r (1 - P)),
        \quad -s \quad \text{(else)}, \qquad s = \epsilon V_d + e_0 \\
    \text{match} &: \text{ the same with } w_r + \chi_r (w_{r+1} - w_r) \text{ and } s = 0

Moral hazard, restraint and the shift after 1990 are pressures to act rather than outcomes of the
dispute: they are added to the value of matching as under expected utility. The challenger
expects a defender who chooses by this rule too. Stakes are in V, and so are values.

Weights are tabulated per cell as w(p) - p, which is zero for :math:`\gamma = 1`, in equal steps of
:math:`\sqrt{\min(p, 1 - p)}`, since w is steep at both ends. Linear interpolation is then within
1e-4 of w for :math:`\gamma \ge 0.5`.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from escalation.kernel.jit import jit_part

GAINS, LOSSES = 0, 1
N_STEPS = 512
"""Steps of the table of weights between a chance of 0, or 1, and one half."""


class Taste(NamedTuple):
    """How a side values outcomes and weighs chances.

    Attributes
    ----------
    gain_curvature, loss_curvature, loss_aversion : float
        Parameters of the value function.
    weights : float array, shape (2, 2, N_STEPS + 2)
        w(p) - p for gains and losses, for chances up to one half and from there.
    """

    gain_curvature: Any
    loss_curvature: Any
    loss_aversion: Any
    weights: Any


@jit_part
def worth(taste, gain):
    """Return the value of a gain, or of a loss if negative."""
    if gain >= 0.0:
        return gain**taste.gain_curvature
    return -taste.loss_aversion * (-gain) ** taste.loss_curvature


@jit_part
def fill_weights(gain_weighting, loss_weighting, weights):
    """Fill the table of decision weights less chances."""
    for domain in range(2):
        power = gain_weighting if domain == GAINS else loss_weighting
        for k in range(N_STEPS + 2):
            near = 0.5 * (k / N_STEPS) ** 2
            rare, common = near**power, (1.0 - near) ** power
            total = (rare + common) ** (1.0 / power)
            weights[domain, 0, k] = rare / total - near
            weights[domain, 1, k] = common / total - (1.0 - near)


@jit_part
def decision_weight(weights, domain, chance):
    """Return the decision weight of a chance, from the table."""
    near = min(chance, 1.0 - chance)
    # Sums of chances may miss 0 and 1 by a rounding error.
    place = math.sqrt(2.0 * max(near, 0.0)) * N_STEPS
    half = 0 if near == chance else 1
    k = int(place)
    low, high = weights[domain, half, k], weights[domain, half, k + 1]
    return chance + low + (place - k) * (high - low)


@jit_part
def step_down(weights, better, worse, chance):
    """Return what two neighbouring outcomes add; `chance` is that of the better or above."""
    value = 0.0
    if better > 0.0:
        value += decision_weight(weights, GAINS, chance) * (better - max(worse, 0.0))
    if worse < 0.0:
        value += decision_weight(weights, LOSSES, 1.0 - chance) * (worse - min(better, 0.0))
    return value


@jit_part
def contest(weights, better, worse, chance):
    """Return the value of a lottery over two outcomes; `chance` is that of the better."""
    return max(worse, 0.0) + min(better, 0.0) + step_down(weights, better, worse, chance)


@jit_part
def ordered(a, p, b, q):
    """Return two values with their chances, the better first."""
    if a < b:
        return b, q, a, p
    return a, p, b, q


@jit_part
def dispute(weights, yielded, q, calm, risk, won, win, lost):
    """Return the value of a dispute that goes on, at most four outcomes in any order.

    It ends in a concession with chance `q`, else in war with chance `risk`, else in nothing.
    A concession is no worse than nothing, a war won no worse than one lost.
    """
    war = (1.0 - q) * risk
    a, p, b, r = ordered(yielded, q, won, war * win)
    if risk == 1.0:
        b, r, d, _ = ordered(b, r, lost, war * (1.0 - win))
        rest = step_down(weights, b, d, p + r)
    else:
        c, s, d, t = ordered(calm, (1.0 - q) * (1.0 - risk), lost, war * (1.0 - win))
        b, r, c, s = ordered(b, r, c, s)
        rest = step_down(weights, b, c, p + r) + step_down(weights, c, d, 1.0 - t)
    return max(d, 0.0) + min(a, 0.0) + step_down(weights, a, b, p) + rest
