"""Where each decision of a trajectory finds its random word.

A slot is a non-negative integer. Set-up, years, onsets and crises own separate ranges, so
that no two decisions share a word, and a crisis is keyed by (year, index within the year):
the same decision under two structures then uses the same number.

==================================  =================================================
0 .. 31                             type and belief of third party i at the start
32                                  resolve types of the two sides
64 (1 + year) + 0 .. 15             yearly turnover and exit, four parties to a word
64 (1 + year) + 16 + i              new type and belief of third party i
64 (1 + year) + 48                  new resolve types of the two sides
2**16 + 256 year + index            waiting time and class of a dispute
2**20 (1 + 256 year + index)        opening of a dispute; its rounds follow,
  + 64 round + step                 64 slots each
==================================  =================================================
"""

SIDES = 32
YEAR = 64
YEAR_REDRAW = 16
YEAR_SIDES = 48
ONSET = 1 << 16
PER_YEAR = 256
CRISIS = 1 << 20
ROUND = 64

STEP_CHANCE = 0
STEP_CHALLENGER = 1
STEP_DEFENDER = 2
STEP_BRINK_INCIDENT = 3
STEP_JUMP = 4
STEP_SPIRAL = 5
STEP_AUTHORISATION = 6
STEP_VICTORY = 7
STEP_PARTY = 8
STEP_BRINK_JUMP = 40
STEP_BRINK_SPIRAL = 41
