"""One trajectory in words, from the kernel's log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from escalation.contracts import codes
from escalation.report.text import WIDTH, paragraph

_Q30 = float(1 << 30)
_Q15 = float(1 << 15)

_ENDS = {
    "challenger_withdraws": "{challenger} withdraws.",
    "settlement": "The dispute is settled.",
    "defender_concedes": "{defender} concedes.",
    "challenger_wins": "The war ends: {challenger} has won.",
    "coalition_wins": "The war ends: the coalition has won.",
    "general_exchange": "A general nuclear exchange.",
    "round_cap": "Cut off after the largest number of rounds.",
}
_CAUSES = ("An incident", "The double step", "The spiral")


@dataclass(frozen=True)
class Cast:
    """Names to tell a story with.

    Attributes
    ----------
    challenger, defender : str
        Titles of the two sides.
    parties : tuple of str
        Titles of the third parties, in the order of the tables.
    """

    challenger: str
    defender: str
    parties: tuple[str, ...]


def tell(log: np.ndarray, cast: Cast, width: int = WIDTH) -> list[str]:
    """Tell a trajectory, one line per event.

    Parameters
    ----------
    log : int array, shape (events, LOG_COLUMNS)
        From the engine's ``log_trajectory``.
    cast : Cast
        Names.
    width : int
        Columns.

    Returns
    -------
    list of str
        Lines dated by year and month, and by day within a dispute.
    """
    texts = [text for row in log.tolist() for text in _tell_row(row, cast)]
    lines = [line for text in texts for line in paragraph(text, width, hang=" " * 12) or [""]]
    return lines or ["Nothing happens: no dispute within the horizon."]


def _rung(rung: int) -> str:
    return f"{codes.RUNGS[rung]} (rung {rung})"


def _tell_row(row: list[int], cast: Cast) -> Iterator[str]:
    kind, year, day, rung, *rest = row
    tellers = {
        codes.LOG_OPENING: _opening,
        codes.LOG_INCIDENT: _incident,
        codes.LOG_BRINK: _brink,
        codes.LOG_CHALLENGER: _challenger,
        codes.LOG_PARTY: _party,
        codes.LOG_DEFENDER: _defender,
        codes.LOG_END: _end,
        codes.LOG_TURNOVER: _turnover,
        codes.LOG_EXIT: _exit,
        codes.LOG_GATE: _gate,
    }
    text = tellers[kind](rung, rest, cast)
    if kind == codes.LOG_OPENING:
        yield ""
        yield f"Year {year + 1}, month {rest[4] + 1}   {text}"
    elif kind in (codes.LOG_TURNOVER, codes.LOG_EXIT):
        yield f"Year {year + 1}            {text}"
    else:
        yield f"  day {day:<4d}  {text}"


def _resolve(high: int) -> str:
    return "high" if high else "low"


def _opening(rung: int, a: list[int], cast: Cast) -> str:
    coerced = f" {cast.challenger} adds economic coercion." if a[3] else ""
    return (
        f"{cast.challenger} opens a {codes.DISPUTE_CLASSES[a[0]]} dispute with {cast.defender}: "
        f"{_rung(rung)}. Resolve: {cast.challenger} {_resolve(a[1])}, "
        f"{cast.defender} {_resolve(a[2])}.{coerced}"
    )


def _incident(rung: int, a: list[int], cast: Cast) -> str:
    return f"An incident pushes the dispute up to {_rung(a[0])}."


def _brink(rung: int, a: list[int], cast: Cast) -> str:
    outcome = "chooses war" if a[1] else "holds back"
    return (
        f"{_CAUSES[a[0]]} brings both sides to the brink; {cast.challenger} {outcome} "
        f"(chance of war {a[2] / _Q30:.2f})."
    )


def _challenger(rung: int, a: list[int], cast: Cast) -> str:
    withdraw, escalate = a[2] / _Q30, (a[3] - a[2]) / _Q30
    chances = f"(chances: withdraw {withdraw:.2f}, escalate {escalate:.2f})"
    if a[0] == codes.ACTION_DOWN:
        return f"{cast.challenger} backs down {chances}."
    if a[0] == codes.ACTION_UP:
        return f"{cast.challenger} escalates to {_rung(a[1])} {chances}."
    return f"{cast.challenger} reconsiders and holds {chances}."


def _party(rung: int, a: list[int], cast: Cast) -> str:
    name = cast.parties[a[0]]
    war = rung >= codes.WAR
    done = {
        codes.PARTY_JOINS: "fights" if war else "supports " + cast.defender,
        codes.PARTY_STAYS: "stays out",
        codes.PARTY_IS_VETOED: "is ready to join but vetoed at home",
    }[a[1]]
    kind = "staunch" if a[3] else "wavering"
    before, after = a[4] / _Q15, a[5] / _Q15
    belief = (
        ""
        if war and a[1] == codes.PARTY_JOINS
        else f" {cast.challenger} now believes it would fight: {after:.2f} (was {before:.2f})."
    )
    return f"{name} {done} ({kind}; chance {a[2] / _Q30:.2f}).{belief}"


def _defender(rung: int, a: list[int], cast: Cast) -> str:
    concede, match = a[2] / _Q30, (a[3] - a[2]) / _Q30
    chances = f"(chances: concede {concede:.2f}, match {match:.2f})"
    if a[0] == codes.ACTION_DOWN:
        return f"{cast.defender} gives in {chances}."
    if a[0] == codes.ACTION_UP:
        spiral = f" and the spiral carries both to {_rung(a[1])}" if a[1] > rung else ""
        return f"{cast.defender} matches{spiral} {chances}."
    return f"{cast.defender} does not answer {chances}."


def _end(rung: int, a: list[int], cast: Cast) -> str:
    text = _ENDS[codes.END_STATES[a[0]]].format(challenger=cast.challenger, defender=cast.defender)
    joined = [name for i, name in enumerate(cast.parties) if (a[4] | a[5]) >> i & 1]
    who = f" In with {cast.defender}: {', '.join(joined)}." if joined else ""
    if a[0] == codes.END_CONCESSION:
        verdict = "Immediate deterrence failed without war." if a[1] < codes.WAR else "It failed."
    elif a[1] >= codes.WAR:
        verdict = "Immediate deterrence failed: war."
    else:
        verdict = "Immediate deterrence held."
    return f"{text} Highest rung: {_rung(a[1])}; {a[3]} days.{who} {verdict}"


def _turnover(rung: int, a: list[int], cast: Cast) -> str:
    if a[0] < 0:
        side = cast.challenger if a[0] == -1 else cast.defender
        return f"A new leadership in {side}: resolve {_resolve(a[1])}."
    return f"A new government in {cast.parties[a[0]]}: {'staunch' if a[1] else 'wavering'}."


def _exit(rung: int, a: list[int], cast: Cast) -> str:
    return f"{cast.parties[a[0]]} leaves its pact; only its bilateral commitment remains."


def _gate(rung: int, a: list[int], cast: Cast) -> str:
    return f"{_rung(a[1])} stays out of reach: nobody is in the fight who would open it."
