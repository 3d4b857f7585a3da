"""A slow, obvious player of the model's integer tables.

It reads the same tables and the same random words as the compiled kernel, but is written
from their meaning, in plain Python integers, and shares no code with it. What it counts
and what it writes down must be the same, number by number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from escalation.contracts import codes
from escalation.contracts import tables as tables_
from escalation.contracts.tables import Tables
from escalation.contracts.tallies import Tallies, empty_tallies

MASK = 2**64 - 1
ONE = 2**15

# ------------------------------------------------------------------ random words


def finalise(z: int) -> int:
    """Return the output function of SplitMix64."""
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def odd_step(z: int) -> int:
    """Return the step of a stream, ``mixGamma`` of Steele, Lea and Flood (2014)."""
    z = ((z ^ (z >> 33)) * 0xFF51AFD7ED558CCD) & MASK
    z = ((z ^ (z >> 33)) * 0xC4CEB9FE1A85EC53) & MASK
    z = (z ^ (z >> 33)) | 1
    return z ^ 0xAAAAAAAAAAAAAAAA if (z ^ (z >> 1)).bit_count() < 24 else z


class Words:
    """The random words of one trajectory by slot, and how many were looked at."""

    def __init__(self, seed: int, draw: int, trajectory: int) -> None:
        golden = 0x9E3779B97F4A7C15
        outer = finalise(
            finalise((seed + golden) & MASK) ^ ((draw * golden + 0xBF58476D1CE4E5B9) & MASK)
        )
        inner = (outer + trajectory * golden) & MASK
        self.start, self.step, self.used = finalise(inner), odd_step(inner), 0

    def __getitem__(self, slot: int) -> int:
        self.used += 1
        return finalise((self.start + slot * self.step) & MASK)


def bits(word: int, lowest: int, number: int) -> int:
    """Return `number` bits of a word, from bit `lowest` upwards."""
    return (word >> lowest) & ((1 << number) - 1)


# ------------------------------------------------------------------ curves

POINTS = [k / 64 for k in range(-1024, 1025)]
SIGMA = [round(2**30 / (1 + math.exp(-x))) for x in POINTS]
MINUS_LOG = [round(-math.log(max(k, 1) / 1024) * 2**26) for k in range(1025)]


def curve(table: list[int], x: int) -> int:
    """Interpolate a table over [-16, 16] at `x` / 2**16."""
    x = max(-(2**20) + 1, min(2**20 - 1, x)) + 2**20
    k, rest = divmod(x, 1024)
    return table[k] + (table[k + 1] - table[k]) * rest // 1024


def minus_log(number: int) -> int:
    """Return -ln(number / 2**32), times 2**26."""
    number |= 1
    result = 0
    while number < 2**28:
        number *= 16
        result += round(4 * math.log(2) * 2**26)
    k, rest = divmod(number, 2**22)
    return result + MINUS_LOG[k] + (MINUS_LOG[k + 1] - MINUS_LOG[k]) * rest // 2**22


# ------------------------------------------------------------------ state


@dataclass
class Party:
    """A third party: what it is, and what the challenger thinks of it."""

    staunch: bool = False
    belief: int = 0
    left: bool = False
    perceived: int = 0
    # within one dispute
    pending: bool = False
    supports: bool = False
    fights: bool = False
    entrapped: bool = False
    vetoed: bool = False


@dataclass
class Dispute:
    """One dispute under way."""

    grave: int
    coerced: bool
    profile: int
    rung: int
    year: int
    peak: int = 0
    decided_at: int = 0
    reciprocal: int = 0
    reciprocated: int = 0
    share_in: int = 0
    eighths: int = 0
    rounds: int = 0
    power: int = 0
    us: int = 0
    slot: int = 0
    news: bool = False

    @property
    def days(self) -> int:
        return self.eighths // 8


@dataclass
class Count:
    """Tallies as nested lists, with the names of :class:`escalation.contracts.tallies.Tallies`."""

    values: dict[str, Any]
    log: list[list[int]] = field(default_factory=list)

    def add(self, name: str, *index: int, by: int = 1) -> None:
        place = self.values[name]
        for k in index[:-1]:
            place = place[k]
        place[index[-1]] += by

    def note(self, kind: int, *numbers: int) -> None:
        row = [kind, *(int(n) for n in numbers)]
        self.log.append(row + [0] * (10 - len(row)))

    def tallies(self) -> Tallies:
        """Return the counts as the kernel's arrays, without the leading axis."""
        return Tallies(**{name: np.array(v, np.int64) for name, v in self.values.items()})


class Player:
    """Plays trajectories of one cell of a block of tables."""

    def __init__(self, tables: Tables, cell: int) -> None:
        self.t = Tables(*(array[cell].tolist() for array in tables))
        self.n = len(self.t.veto)
        self.years = len(self.t.outlook)
        self.n_power = len(self.t.brink[0])
        self.n_us = len(self.t.brink[0][0])
        s = self.t.scalar
        self.gp, self.host = s[tables_.SCALAR_GREAT_POWER], s[tables_.SCALAR_HOST]
        self.double, self.authorise = s[tables_.SCALAR_DOUBLE_STEP], s[tables_.SCALAR_AUTHORISATION]
        self.wedge_chance = s[tables_.SCALAR_WEDGE]
        self.turnover, self.reputation = s[tables_.SCALAR_TURNOVER], s[tables_.SCALAR_REPUTATION]
        self.jump, self.keep = s[tables_.SCALAR_TENSION_JUMP], s[tables_.SCALAR_TENSION_KEEP]
        self.access_loss = s[tables_.SCALAR_ACCESS_LOSS]
        self.power_without_host = s[tables_.SCALAR_POWER_WITHOUT_HOST]
        self.some, self.most = s[tables_.SCALAR_SOME], s[tables_.SCALAR_MOST]

    def play(self, seed: int, draw: int, first: int, count: int = 1) -> Count:
        """Play trajectories `first` to `first + count - 1`; the log is that of all of them."""
        empty = empty_tallies(1, self.n, self.years)
        self.count = Count({name: a[0].tolist() for name, a in empty._asdict().items()})
        for trajectory in range(first, first + count):
            self.replicate = trajectory % 16
            self.words = Words(seed, draw, trajectory)
            self.trajectory()
            self.count.add("total", 3, by=self.words.used)
        return self.count

    # -------------------------------------------------------------- years

    def trajectory(self) -> None:
        w = self.words[32]
        self.challenger_type, self.defender_type = bits(w, 34, 1), bits(w, 35, 1)
        self.parties = [Party() for _ in range(self.n)]
        for i in range(self.n):
            self.draw_government(i, i)
        self.tension = self.month = self.worst = 0
        self.seen: set[int] = set()
        self.saturated = False
        why = 0
        for year in range(self.years):
            if year:
                self.new_year(year)
            why = self.one_year(year)
            if why:
                break
            self.month = max(0, self.month - 12)
        self.count.add("worst_rung", self.worst)
        self.count.add("trajectory_end", why)
        self.count.add("total", 4, by=int(self.saturated))

    def draw_government(self, i: int, slot: int) -> None:
        w = self.words[slot]
        self.parties[i].staunch = bits(w, 34, 30) < self.t.staunch[i]
        self.parties[i].belief = self.t.belief_start[i] + self.t.belief_error[bits(w, 0, 8)]

    def new_year(self, year: int) -> None:
        base = 64 * (1 + year)
        four_actors = [self.words[base + k] for k in range((self.n + 2 + 3) // 4)]
        leaving = []
        for actor in range(self.n + 2):
            lane = bits(four_actors[actor // 4], 16 * (actor % 4), 16)
            changes = lane < self.turnover
            if actor == self.n and changes:
                self.challenger_type = bits(self.words[base + 48], 34, 1)
                self.count.note(codes.LOG_TURNOVER, year, 0, 0, -1, self.challenger_type)
            elif actor == self.n + 1 and changes:
                self.defender_type = bits(self.words[base + 48], 35, 1)
                self.count.note(codes.LOG_TURNOVER, year, 0, 0, -2, self.defender_type)
            elif actor < self.n and changes:
                self.draw_government(actor, base + 16 + actor)
                staunch = self.parties[actor].staunch
                self.count.note(codes.LOG_TURNOVER, year, 0, 0, actor, staunch)
            elif actor < self.n and not self.parties[actor].left:
                if lane < self.turnover + self.t.exits[actor]:
                    leaving.append(actor)
        for actor in leaving:
            self.parties[actor].left = True
            self.count.add("party", 6, actor)
            self.count.note(codes.LOG_EXIT, year, 0, 0, actor)

    def one_year(self, year: int) -> int:
        """Play a year; returns why the trajectory ends with it, 0 if it does not."""
        for index in range(256):
            if self.month >= 12:
                break
            routine, grave = self.onset_rates(year)
            self.saturated = self.saturated or 2**31 - 1 in (routine, grave)
            w = self.words[2**16 + 256 * year + index]
            began = self.month
            self.wait(routine + grave, minus_log(bits(w, 32, 32)))
            self.count.add("total", 1, by=self.month - began)
            if self.month >= 12:
                break
            is_grave = int(bits(w, 0, 30) * (routine + grave) < grave * 2**30)
            expected = sum(s * p.perceived for s, p in zip(self.t.share, self.parties, strict=True))
            end, d = self.dispute(year, 256 * year + index, is_grave)
            why = self.aftermath(end, d, expected)
            if why:
                return why
        if self.month < 12:
            self.saturated = True
        return 0

    def aftermath(self, end: int, d: Dispute, expected: int) -> int:
        self.worst = max(self.worst, d.peak)
        us_fought = self.gp >= 0 and self.parties[self.gp].fights
        war = d.peak >= 5
        happened = (True, d.grave, d.grave and end == 2, war, war and us_fought, d.peak >= 8)
        for event, yes in enumerate(happened):
            if yes and event not in self.seen:
                self.seen.add(event)
                self.count.add("first_event", event, d.year)
                self.count.add("replicate", self.replicate, event)
        for column, yes in ((6, True), (7, d.grave), (8, d.grave and war)):
            self.count.add("replicate", self.replicate, column, by=int(yes))
        if end == 5:
            return 2
        if end == 3:
            return 1
        if war or end == 2:
            came = sum(
                share for share, party in zip(self.t.share, self.parties, strict=True)
                if (party.fights if war else party.supports)
            )
            shift = self.reputation * (came - expected // ONE) // 2**16
            for party in self.parties:
                party.belief = max(-(2**19), min(2**19, party.belief + shift))
        self.tension = min(self.tension + self.jump, 2**20)
        self.month += d.days // 30
        return 0

    def onset_rates(self, year: int) -> tuple[int, int]:
        for i, party in enumerate(self.parties):
            party.perceived = self.mixture(party, i, self.t.outlook[year][0][party.left][0][0])
        power, us = self.position()
        k, p = min(power // 256, self.n_power - 2), min(us // 256, self.n_us - 2)
        x, y = power - 256 * k, us - 256 * p
        table = self.t.onset[self.challenger_type]
        rates = [
            (
                table[k][p][g] * (256 - x) * (256 - y)
                + table[k][p + 1][g] * (256 - x) * y
                + table[k + 1][p][g] * x * (256 - y)
                + table[k + 1][p + 1][g] * x * y
            )
            // 2**16
            for g in (0, 1)
        ]
        return rates[0], rates[1]

    def wait(self, rate: int, energy: int) -> None:
        """Let months pass until the accumulated hazard exceeds `energy`."""
        hazard = 0
        while self.month < 12:
            hazard += rate * (ONE + self.tension) // ONE
            if hazard > energy:
                return
            self.tension = self.tension * self.keep // ONE
            self.month += 1

    # -------------------------------------------------------------- views

    def trust(self, party: Party) -> int:
        return curve(SIGMA, party.belief) // 2**15

    def position(self) -> tuple[int, int]:
        """Return perceived rest power and US participation in 1/256 grid cells."""
        chances = [party.perceived for party in self.parties]
        power = sum(g * c for g, c in zip(self.t.grid_power, chances, strict=True)) // 2**23
        if self.gp < 0:
            return power, 0
        us = chances[self.gp]
        if self.host >= 0:
            us = us * (ONE - self.access_loss * (ONE - chances[self.host]) // ONE) // ONE
        return power, us * (self.n_us - 1) // 2**7

    def already_in(self, d: Dispute) -> int:
        return int(d.share_in >= self.some) + int(d.share_in >= self.some and
                                                  d.share_in >= self.most)

    def mixture(self, party: Party, i: int, chances: Sequence[Sequence[int]]) -> int:
        """Return the perceived chance given those of wavering and of staunch parties."""
        wavering, staunch = chances[0][i], chances[1][i]
        return wavering + self.trust(party) * (staunch - wavering) // ONE

    def would_fight(self, d: Dispute, i: int) -> int:
        """Return the perceived chance that party `i` fights in time."""
        party = self.parties[i]
        if party.fights:
            return ONE
        view = self.t.outlook[d.year][d.coerced][party.left][party.supports]
        return self.mixture(party, i, view[self.already_in(d)])

    def look(self, d: Dispute) -> None:
        """Let the sides look at the third parties again if there is news."""
        if not d.news:
            return
        d.news = False
        for i, party in enumerate(self.parties):
            party.perceived = self.would_fight(d, i)
        d.power, d.us = self.position()

    # -------------------------------------------------------------- disputes

    def dispute(self, year: int, crisis: int, grave: int) -> tuple[int, Dispute]:
        slot = 2**20 * (1 + crisis)
        w = self.words[slot]
        coerced = bool(grave) and bits(w, 22, 16) < self.wedge_chance
        force, at_least_show = self.t.opening[self.challenger_type]
        rung = 1 + int(bits(w, 6, 16) < at_least_show) + int(bits(w, 6, 16) < force)
        profile = 2 * grave + self.challenger_type + (2 if coerced else 0)
        d = Dispute(grave, coerced, profile, rung, year, peak=rung)
        frailty = bits(w, 0, 6)
        for party in self.parties:
            party.supports = party.fights = party.entrapped = party.vetoed = party.pending = False
        if coerced:
            self.count.add("total", 0)
            d.news = True
        d.power, d.us = self.position()
        self.count.note(codes.LOG_OPENING, year, 0, rung, grave, self.challenger_type,
                        self.defender_type, coerced, self.month, d.power)
        end = None
        while end is None and d.rounds < 512:
            d.rounds += 1
            d.slot = slot + 64 * d.rounds
            end = self.round(d, frailty)
        end = 6 if end is None else end
        self.count_dispute(d, end)
        return end, d

    def round(self, d: Dispute, frailty: int) -> int | None:
        """Play one round; returns the end state if it is the last."""
        clock = d.rung
        d.eighths += self.t.days[clock]
        move = self.words[d.slot + 1]
        revises = bits(move, 0, 18) < self.t.revision[0][clock]
        if revises or clock == 4:
            self.look(d)
        w = self.words[d.slot]
        if bits(w, 34, 30) < self.t.incident[d.reciprocal][clock]:
            if self.may_rise(d) and (clock != 4 or self.brink(d, 3, 0)):
                d.rung += 1
                self.count.add("transition", 0, clock, d.rung)
                self.count.note(codes.LOG_INCIDENT, d.year, d.days, d.rung, d.rung)
        if d.rung == clock and bits(w, 0, 30) < self.t.ending[frailty][clock]:
            if clock < 5:
                return 1
            return 3 if self.challenger_wins(d) else 4
        d.peak = max(d.peak, d.rung)
        if d.rung == 9:
            return 5

        if revises:
            end = self.challenger(d, move)
            d.peak = max(d.peak, d.rung)
            if end is not None:
                return end

        if d.rung > d.decided_at:
            d.decided_at = d.rung
            for party in self.parties:
                party.pending = not (party.fights if d.rung >= 5 else party.supports)
        self.allies(d, clock)

        w = self.words[d.slot + 2]
        if bits(w, 0, 18) < self.t.revision[1][clock]:
            self.look(d)
            concedes = self.defender(d, w)
            d.peak = max(d.peak, d.rung)
            if concedes:
                return 2
        return None

    def may_rise(self, d: Dispute) -> bool:
        if d.rung == 5:
            return any(party.fights for party in self.parties)
        return d.rung < 5 or (self.gp >= 0 and self.parties[self.gp].fights)

    def cell(self, d: Dispute, w: int) -> tuple[int, int]:
        return (d.power + bits(w, 18, 8)) // 256, (d.us + bits(w, 26, 8)) // 256

    def brink(self, d: Dispute, step: int, cause: int) -> bool:
        w = self.words[d.slot + step]
        k, p = self.cell(d, w)
        chance = self.t.brink[d.profile][k][p]
        war = bits(w, 34, 30) < chance
        self.count.add("brink", int(war))
        self.count.note(codes.LOG_BRINK, d.year, d.days, 4, cause, war, chance)
        return war

    def challenger(self, d: Dispute, w: int) -> int | None:
        k, p = self.cell(d, w)
        down, both = self.t.challenger[d.profile][d.rung][k][p]
        u = bits(w, 34, 30)
        action = 0 if u < down and u < both else 1 if u < both else 2
        if action == 1 and not self.may_rise(d):
            action = 2
            self.count.note(codes.LOG_GATE, d.year, d.days, d.rung, 1, d.rung + 1)
        elif action == 1 and d.rung >= 6 and bits(self.words[d.slot + 6], 34, 30) >= self.authorise:
            action = 2
        old = d.rung
        new = old
        if action == 1:
            new = old + 1
            if old < 4 and bits(self.words[d.slot + 4], 0, 30) < self.double:
                new = old + 2
                if new == 5 and not self.brink(d, 40, 1):
                    new = 4
            self.count.add("transition", 1, old, new)
        self.count.note(codes.LOG_CHALLENGER, d.year, d.days, old, action, new, down, both,
                        d.power, d.us)
        d.rung = new
        if action == 0:
            return 0
        return 5 if new == 9 else None

    def defender(self, d: Dispute, w: int) -> bool:
        status = 0
        if self.gp >= 0:
            status = int(self.parties[self.gp].supports or self.parties[self.gp].fights)
        k, p = self.cell(d, w)
        who = 2 * d.grave + self.defender_type
        down, both = self.t.defender[status][who][d.rung][k][p]
        u = bits(w, 34, 30)
        action = 0 if u < down and u < both else 1 if u < both else 2
        old = d.rung
        new = old
        if action == 1:
            d.reciprocated = 1
            if bits(self.words[d.slot + 5], 0, 30) < self.t.spiral[old]:
                if self.may_rise(d) and (old != 4 or self.brink(d, 41, 2)):
                    new = old + 1
                    self.count.add("transition", 2, old, new)
        d.reciprocal = int(action == 1)
        self.count.note(codes.LOG_DEFENDER, d.year, d.days, old, action, new, down, both, status)
        d.rung = new
        return action == 0

    def allies(self, d: Dispute, clock: int) -> None:
        for i, party in enumerate(self.parties):
            if not party.pending:
                continue
            w = self.words[d.slot + 8 + i]
            if bits(w, 0, 16) < self.t.resolve[int(party.left)][clock][i]:
                d.news = True
                self.decide(d, i, w)

    def decide(self, d: Dispute, i: int, w: int) -> None:
        party = self.parties[i]
        party.pending = False
        war = d.rung >= 5
        supporter = war and party.supports
        row = 5 if supporter else min(d.rung, 5) - 1
        already_in = self.already_in(d)
        entry = self.t.decision[d.year][d.coerced][party.left][row][already_in][i]
        wavering, staunch, news_of_staying, news_of_joining = entry
        chance = staunch if party.staunch else wavering
        u = bits(w, 34, 30)
        wants = u < chance
        vetoed = wants and bits(w, 16, 16) < self.t.veto[i]
        if vetoed:
            party.vetoed = True
        else:
            party.belief += news_of_joining if wants else news_of_staying
            party.belief = max(-(2**19), min(2**19, party.belief))
        if wants and not vetoed:
            if not party.supports and not party.fights:
                d.share_in += self.t.share[i]
            if war:
                party.fights = True
                free = self.t.unbound[d.year][d.coerced][supporter][already_in][i][party.staunch]
                party.entrapped = party.entrapped or u >= free
            else:
                party.supports = True
        result = 2 if vetoed else int(wants)
        self.count.note(codes.LOG_PARTY, d.year, d.days, d.rung, i, result, chance, party.staunch,
                        party.perceived, self.would_fight(d, i))

    def challenger_wins(self, d: Dispute) -> bool:
        power = 0
        for i, party in enumerate(self.parties):
            if party.fights:
                based = self.host < 0 or self.parties[self.host].fights
                based = based or self.parties[self.host].supports
                power += self.t.true_power[i] if i != self.gp or based else self.power_without_host
        k = min(power // 2**16, 255)
        low, high = self.t.victory[k], self.t.victory[k + 1]
        chance = low + (high - low) * (power - k * 2**16) // 2**16
        return bits(self.words[d.slot + 7], 34, 30) < chance

    def count_dispute(self, d: Dispute, end: int) -> None:
        war = d.peak >= 5
        for i, party in enumerate(self.parties):
            done = [
                party.supports,
                war and party.fights,
                war and not party.fights,
                war and party.entrapped,
                war and not party.fights and self.t.bound[int(party.left)][i],
                party.vetoed,
            ]
            for outcome, yes in enumerate(done):
                self.count.add("party", outcome, i, by=int(bool(yes)))
        us_fought = int(self.gp >= 0 and self.parties[self.gp].fights)
        fighters = sum(party.fights for party in self.parties)
        self.count.add("crisis", d.grave, end, d.peak, us_fought)
        self.count.add("duration", d.grave, min(max(d.days.bit_length() - 1, 0), 11))
        self.count.add("duration_days", d.grave, by=d.days)
        self.count.add("reciprocated", d.grave, by=d.reciprocated)
        if war:
            self.count.add("coalition_size", fighters)
        self.count.add("total", 2, by=d.rounds)
        self.count.note(codes.LOG_END, d.year, d.days, d.rung, end, d.peak, us_fought, d.days,
                        sum(p.supports << i for i, p in enumerate(self.parties)),
                        sum(p.fights << i for i, p in enumerate(self.parties)))
