"""Named integers shared by every layer: what the numbers in tables and tallies mean.

The order of each tuple is the order of the matching axis, in the kernel and in the
results, so that a code and a coordinate are the same thing.
"""

from __future__ import annotations

RUNGS = (
    "competition",
    "coercive threat",
    "show of force",
    "grey-zone force",
    "limited clash",
    "major conventional attack",
    "regional war",
    "nuclear signalling",
    "limited nuclear use",
    "general nuclear exchange",
)
N_RUNGS = len(RUNGS)
CLASH, WAR, REGIONAL, SIGNALLING, NUCLEAR_USE, EXCHANGE = 4, 5, 6, 7, 8, 9

MID_LEVELS = (1, 2, 3, 4, 4, 5, 5, 5, 5, 5)
"""Hostility level of the Militarized Interstate Disputes data that each rung answers to."""

DISPUTE_CLASSES = ("routine", "grave")
ROUTINE, GRAVE = 0, 1

END_STATES = (
    "challenger_withdraws",
    "settlement",
    "defender_concedes",
    "challenger_wins",
    "coalition_wins",
    "general_exchange",
    "round_cap",
)
(
    END_WITHDRAWAL,
    END_SETTLEMENT,
    END_CONCESSION,
    END_CHALLENGER_WINS,
    END_COALITION_WINS,
    END_EXCHANGE,
    END_ROUND_CAP,
) = range(len(END_STATES))

EVENTS = (
    "dispute",
    "grave_crisis",
    "concession",
    "war",
    "great_power_war",
    "nuclear_use",
)
"""Events whose first year is recorded per trajectory (concession: in a grave crisis)."""
(
    EVENT_DISPUTE,
    EVENT_GRAVE,
    EVENT_CONCESSION,
    EVENT_WAR,
    EVENT_GREAT_POWER_WAR,
    EVENT_NUCLEAR,
) = range(len(EVENTS))

N_REPLICATES = 16
"""Trajectory number t counts towards replicate t mod 16, whatever the size of the run."""

REPLICATED = (*EVENTS, "disputes", "grave_crises", "grave_wars")
"""What is counted by replicate: trajectories with the event, then disputes of three kinds."""
COUNT_DISPUTES, COUNT_GRAVE, COUNT_GRAVE_WARS = range(len(EVENTS), len(REPLICATED))

PARTY_OUTCOMES = (
    "supported",
    "fought",
    "stayed_out",
    "entrapped",
    "abandoned",
    "vetoed",
    "exited",
)
(
    PARTY_SUPPORTED,
    PARTY_FOUGHT,
    PARTY_STAYED_OUT,
    PARTY_ENTRAPPED,
    PARTY_ABANDONED,
    PARTY_VETOED,
    PARTY_EXITED,
) = range(len(PARTY_OUTCOMES))

CAUSES = ("incident", "escalation", "spiral")
CAUSE_INCIDENT, CAUSE_ESCALATION, CAUSE_SPIRAL = range(len(CAUSES))

TRAJECTORY_ENDS = ("horizon", "object_lost", "general_exchange")
TRAJECTORY_HORIZON, TRAJECTORY_LOST, TRAJECTORY_EXCHANGE = range(len(TRAJECTORY_ENDS))

BRINK_OUTCOMES = ("held", "war")

DECISION_RULES = ("expected_utility", "prospect_theory")
"""How the two sides may weigh their options; results are fitted under the first."""

DURATION_EDGES_DAYS = (0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)
"""Lower edges of the duration bins, in days; the last bin is open."""
N_DURATIONS = len(DURATION_EDGES_DAYS)

MAX_PARTIES = 24
"""Third parties that fit the random-number slots of one round and one year."""

MAX_YEARS = 100
"""Longest horizon that the random-number slots of one trajectory leave room for."""

MAX_ROUNDS = 512
"""Rounds after which a crisis is cut off and counted under ``round_cap``."""

# Events of a trajectory's log (`replay`); the columns are explained in kernel/simulate.py.
(
    LOG_OPENING,
    LOG_INCIDENT,
    LOG_BRINK,
    LOG_CHALLENGER,
    LOG_PARTY,
    LOG_DEFENDER,
    LOG_END,
    LOG_TURNOVER,
    LOG_EXIT,
    LOG_GATE,
) = range(10)
LOG_COLUMNS = 10

ACTION_DOWN, ACTION_UP, ACTION_HOLD = 0, 1, 2
"""Challenger: withdraw, escalate, hold. Defender: concede, match, hold."""

PARTY_STAYS, PARTY_JOINS, PARTY_IS_VETOED = 0, 1, 2
