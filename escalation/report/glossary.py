"""What the words of art in a report mean, in one sentence each."""

from __future__ import annotations

import re
from collections.abc import Sequence

from escalation.report.text import paragraph

GLOSSARY = {
    r"\bdisputes?\b": "A dispute is any militarized confrontation of two states.",
    r"\b[Gg]rave\b": "A grave crisis is a dispute with high stakes.",
    r"\b[Cc]onces": "A concession is a grave crisis in which the defender gives in.",
    r"\b[Ww]ars?\b": "War means a major conventional attack or worse.",
    r"great[- ]power|great-": "In a great-power war the great power that protects the defender "
    "fights: the United States, unless the study names another.",
    r"[Nn]uclear\b": "Nuclear use means that at least one nuclear weapon is used.",
    r"\bhistories\b": "A history is one simulated course of the years ahead.",
    r"\bdraws?\b": "A draw is one set of values for everything that is not known: one possible "
    "world.",
    r"\b[Pp]riors?\b": "The prior of a parameter says what is believed of it before any record is "
    "looked at.",
    r"\b[Pp]osterior": "The posterior of a parameter says what is believed of it after the fit to "
    "the record of disputes.",
    r"\b[Pp]remises?\b": "A premise is a set of priors that somebody holds in place of those of "
    "the study; its file says who.",
    r"\bP\((?!safer|least|most)": "P(x) is the chance of x, P(x | y) that among all cases of y.",
    r"\breference\b|\(ref\)|P\(safer": "The reference, marked (ref), is the structure with which "
    "the others are compared.",
    r"median\s+\[5": "A median [5–95 %] is the middle draw, and in brackets the range of nine "
    "draws in ten, which comes from what is not known.",
    r"\bm\s[\d.]": "m: the mean over draws stands in place of the median, as most draws saw fewer "
    "than 10 events.",
    r"<[\d.]": "<x: less than x; where the event was never seen, x is an upper bound (95 %).",
    r">[\d.]": ">x: more than x; where nothing else was seen, x is a lower bound (95 %).",
    r"\[≤": "[≤x]: there was no event at the lower end of the range.",
    r"\bmean difference|\bdifference {2,}|^ {9,}difference": "A mean difference is the structure "
    "minus the reference in the same draw, on average over draws, in per cent points (rates: per "
    "year).",
    r"^ .*\bratio\b": "The ratio is the mean of the structure, divided by that of the reference.",
    r"P\(safer": "P(safer) is the share of draws, of these possible worlds, in which the structure "
    "has less of the risk than the reference; ties count one half.",
    r"(?<!\()\b(safer|riskier)\b|undecided": "The word safer (riskier) needs 80 % of draws with "
    "less (more) of the risk and a mean difference that says the same by more than 2 standard "
    "errors; all else is undecided.",
    r"P\(least\)": "P(least) and P(most) are the shares of draws in which the structure has the "
    "least and the most of the risk.",
    r"\bregret\b": "The regret is how much more of the risk the structure has, on average, than "
    "the best structure of the same draw.",
    r"(?<!of )\bexactly 0|identical": "identical: exactly the same in every draw.",
    r"too\s+rare": "too rare: fewer than 20 events (or histories without one) under both, so that "
    "nothing is compared.",
    r"no\s+hits": "no hits: the event was never seen under either.",
    r"(?<!too )few\s+histories": "few histories: too few for each draw to tell a difference from "
    "chance.",
    r"too\s+few\s+draws": "too few draws: fewer than 8, so that a share of them says nothing.",
    r"±\?": "±?: there are too few histories for each draw to tell chance from what is not known.",
    r"\S  +-(?=\s|$)": "-: there is nothing to count, or it is not known.",
    r"\bLoss\b|\bloss\b": "The loss of a history adds up its events, each with a weight.",
    r"total: ": "The total of a parameter is the share of the variance of the difference that it "
    "takes part in, first the share that it explains alone (95 %), chance removed.",
    r"flips where": "'flips where x > v' means: above v the structure has more of the risk than "
    "the reference, below it less ('x < v': the other way round).",
    r"reversed where": "'reversed where' names a box of parameter values in which the order is "
    "mostly the other way round; its coverage is the share of all reversed draws that lie inside, "
    "its density the share of the draws inside that are reversed.",
    r"knowing everything": "Knowing something is worth the fall of the risk that is expected if it "
    "were known before choosing.",
    r"[Ll]og score": "The log score is the mean logarithm of the chance that was given to what "
    "happened: larger is better.",
    r"[Bb]rier score": "The Brier score is the mean squared distance of the chances from what "
    "happened: smaller is better.",
    r"[Rr]anked probability": "The ranked probability score is the same for outcomes that have an "
    "order: smaller is better.",
    r"\bbase rate": "The base rate predicts every outcome by how often it happened.",
    r"\blogit": "A logit is a logistic regression on the features of a pair of states.",
    r"\bin\s+sample": "In sample: fitted to the rows on which it is scored.",
    r"\bout\s+of\s+(fold|sample)": "Out of fold, or out of sample: fitted to other rows than those "
    "on which it is scored.",
    r"\bMID\b": "MID is the record of militarized interstate disputes.",
    r"\bICB\b": "ICB is the record of international crises.",
    r"perc-|[Pp]ercentile": "The percentile says where what happened lies among the predictions; "
    "if these are right, each is as likely as any other.",
    r"\broutine\b": "A routine dispute has low stakes.",
    r"chi-": "Chi-square adds up the squared differences of all outcomes, rare ones as one; df are "
    "its degrees of freedom.",
    r"^ .* p\b": "p is the chance of so large a difference if kernel and exact solution agree.",
    r"R-hat": "R-hat near 1, and a large effective sample size, say that the chains of draws have "
    "mixed.",
    r"\bshift\b": "Shift and spread are those of the posterior, in standard deviations of the "
    "prior.",
}  # fmt: skip
"""Sentences by what is to be seen of their words in a text; none uses words of a later one.

The numbers in them are those of :mod:`escalation.results.support` and
:mod:`escalation.analysis.comparison`; a test holds them together.
"""


def explained(lines: Sequence[str], width: int) -> str:
    """Return a report that begins with what the words of art in it mean, a sentence each."""
    seen = "\n".join(lines)
    found: list[str] = []
    for pattern, sentence in reversed(list(GLOSSARY.items())):
        if re.search(pattern, seen, re.MULTILINE):
            found.insert(0, sentence)
            seen += f"\n{sentence}"
    head = [line for sentence in found for line in _sentence_lines(sentence, width)]
    return "\n".join([*head, *[""] * bool(head), *lines])


def said_once(text: str, width: int) -> str:
    """Return reports that were put together, each word of art explained at its first use only."""
    for sentence in GLOSSARY.values():
        said = "".join(f"{line}\n" for line in _sentence_lines(sentence, width))
        before, _, after = text.partition(said)
        text = before + said + after.replace(said, "") if after else text
    return re.sub(r"(?m)^(-+\n)\n+|(?<=\n\n)\n+", r"\1", text)


def _sentence_lines(sentence: str, width: int) -> list[str]:
    return paragraph(sentence, width, "- ", "  ")
