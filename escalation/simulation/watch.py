"""Patience with a cluster: what is said when nobody answers, and when to give up."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from escalation.errors import EscalationError

SILENCE_SECONDS = 30.0
"""How long nothing may come back before that is said aloud, and said again."""
PATIENCE_SECONDS = 120.0
"""How long a run waits for a worker when there is none, and for an answer of the scheduler."""
LIVES = 3
"""How often each worker may be lost on average before any block comes back."""

_LOG = logging.getLogger(__name__)
Answer = TypeVar("Answer")


class Watch:
    """Counts workers that are lost, and the time since a block came back.

    Parameters
    ----------
    clock : callable
        Seconds.
    say : callable
        Told in words when nothing has come back for a while.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        say: Callable[[str], None] = _LOG.warning,
    ) -> None:
        self._clock, self._say = clock, say
        self._workers: set[str] = set()
        self._most, self._lost = 1, 0
        self._seen = self._heard = self._said = clock()

    def delivered(self) -> None:
        """Take note that a block came back."""
        self._lost, self._heard = 0, self._clock()
        self._said = self._heard

    def look(self, workers: Iterable[str]) -> None:
        """Take note of the workers that are there.

        Raises
        ------
        EscalationError
            There has been none for too long, or they are lost one after another.
        """
        now, there = self._clock(), set(workers)
        self._lost += len(self._workers - there)
        self._workers, self._most = there, max(self._most, len(there))
        if there:
            self._seen = now
        if now - self._seen > PATIENCE_SECONDS:
            raise EscalationError(f"scheduler: no worker is left for {PATIENCE_SECONDS:.0f} s")
        if self._lost >= LIVES * self._most:
            raise EscalationError(
                f"scheduler: {self._lost} workers were lost one after another and no block came "
                "back in between; their log says why (a memory limit of less than 1 GB is too low)"
            )
        if now - self._said >= SILENCE_SECONDS:
            self._said = now
            lost = f", {self._lost} were lost since" if self._lost else ""
            self._say(f"scheduler: no block has come back for {now - self._heard:.0f} s; "
                      f"workers there: {len(there)}{lost}")


def patiently(
    call: Callable[[], Answer],
    patience: float = PATIENCE_SECONDS,
    say: Callable[[str], None] = _LOG.warning,
) -> Answer:
    """Return what a call returns, saying aloud when it takes long.

    Raises
    ------
    EscalationError
        It takes longer than `patience`, in seconds.
    """
    answers: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            answers.put((call(), None))
        except BaseException as error:  # raised again where it was asked for
            answers.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    waited = 0.0
    while True:
        step = min(SILENCE_SECONDS, patience - waited)
        try:
            answer, error = answers.get(timeout=step)
        except queue.Empty:
            waited += step
            if waited >= patience:
                raise EscalationError(f"scheduler: no answer for {waited:.0f} s") from None
            say(f"scheduler: no answer for {waited:.0f} s")
            continue
        if error is not None:
            raise error
        return answer
