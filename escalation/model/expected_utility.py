r"""The expected-utility rule with logit choice: the scalar formulas.

With coalition power K (challenger = 1), perceived great-power participation pi, and
stakes V of the challenger and V_d of the defender (times type and, if routine, x):

.. math::
    p(K) &= 1 / (1 + (\delta K)^m) \\
    P &= \pi\, p(K + k_{us}) + (1 - \pi)\, p(K) \\
    W_r &= V P - C_r - \tau (\tau_{us} \pi + (1 - \tau_{us}) \min(1, K / K_\tau)) - \pi N_r \\
    U(\text{escalate}) &= q_{r+1} [V - 1_{r+1 \ge 5}(C_{r+1} + \tau/2)]
        + (1 - q_{r+1})\, w_{r+1} W_{\max(5, r+1)} \\
    U(\text{hold}) &= q_r [V - 1_{r \ge 5}(C_r + \tau/2)]
        + (1 - q_r) [w_r W_{\max(5, r)} + 1_{r<5}\, \epsilon V / 2] - h V \\
    U(\text{withdraw}) &= -a V (1 + a_r r) \\
    U_{open} &= q_4 V + (1 - q_4) w_4 W_5

    W_d &= -V_d P - C_{d,r} \\
    U_d(\text{concede}) &= -V_d - a_d \\
    U_d(\text{hold}) &= w_r W_d - \epsilon V_d - e_0 \\
    U_d(\text{match}) &= [w_r + \chi_r (w_{r+1} - w_r)] W_d + 1_{uncommitted}\, m_h V_d \pi
        - 1_{supports}\, \rho V_d

Choices follow the logit (quantal response) rule with precision lambda (McKelvey and
Palfrey 1995). q_r is the defender's chance of conceding when it revises, averaged over
its types and, with weight pi, over the great power's status: the challenger reasons one
level deep. Economic coercion costs the challenger c_w V in every option but withdrawal.
The contest success function is Tullock's ratio form.
"""

from __future__ import annotations

import math

from escalation.kernel.jit import jit_part

STEEPEST = 700.0
"""Largest exponent that is handed to exp: a little below where a double overflows, which plain
Python answers with an error and compiled code with infinity."""


@jit_part
def win_chance(power, multiplier, exponent):
    """Return the challenger's chance to win a war against `power`."""
    return 1.0 / (1.0 + (multiplier * power) ** exponent) if power > 0.0 else 1.0


@jit_part
def logit_pair(precision, down, up, hold):
    """Return the chances of the first, and of the first or second, of three options."""
    best = max(down, up)
    if precision * (best - hold) < STEEPEST:
        a = math.exp(precision * (down - hold))
        b = math.exp(precision * (up - hold))
        total = 1.0 + a + b
    else:
        a = math.exp(precision * (down - best))
        b = math.exp(precision * (up - best))
        total = a + b + math.exp(precision * (hold - best))
    return a / total, (a + b) / total


@jit_part
def logit_two(precision, gain):
    """Return the chance of an option that is better by `gain` than the only other."""
    return 1.0 / (1.0 + math.exp(min(-precision * gain, STEEPEST)))


@jit_part
def log_mean(first, second):
    """Return the log of the mean of two numbers given by their logs."""
    most = max(first, second)
    return most + math.log(0.5 * (math.exp(first - most) + math.exp(second - most)))


@jit_part
def war_value(stake, win, cost, trade, participation, shadow):
    """Return the challenger's value of war at a rung."""
    return stake * win - cost - trade - participation * shadow


@jit_part
def opening_value(stake, concede, risk, war):
    """Return the challenger's value of opening a dispute, at rung 4."""
    return concede * stake + (1.0 - concede) * risk * war
