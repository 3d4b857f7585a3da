"""Finding a scheduler, or starting a small cluster on this machine."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from escalation.errors import InputError

if TYPE_CHECKING:
    from distributed import Client

    from escalation.model.compile import Grid
    from escalation.model.draws import Draws
    from escalation.simulation.worker import ClusterSimulator
    from escalation.study.schema import Study

CONNECT_SECONDS = 5
WORKER_SECONDS = 30
LOOPBACK = "127.0.0.1"
MAX_LOCAL_WORKERS = 1_024
_LOGGERS = ("distributed", "distributed.client", "tornado", "tornado.application", "asyncio")


@contextmanager
def cluster_simulators(
    scheduler: str, threads: int | None = None
) -> Iterator[Callable[..., ClusterSimulator]]:
    """Connect to a cluster for as long as the context lasts.

    Parameters
    ----------
    scheduler : str
        Address of a Dask scheduler, such as ``tcp://10.0.0.1:8786``; or ``local:N`` for a cluster
        of N processes of one thread on this machine, ``local`` for as many as it has threads.
    threads : int, optional
        On each worker, at most those that it was started with; all of these by default.

    Yields
    ------
    callable
        Takes a study, parameter values, a seed and a grid, and returns a simulator. What is
        still at work when the context ends is cancelled.

    Raises
    ------
    InputError
        Dask is not installed, nobody answers at the address, there is no worker, or a worker runs
        other code than this process.
    """
    try:
        import distributed  # noqa: F401
    except ImportError:
        raise InputError(
            "scheduler: Dask is not installed; pip install 'escalation[cluster]'"
        ) from None
    from escalation.simulation.worker import ClusterSimulator, refuse_other_code

    with ExitStack() as stack:
        client = stack.enter_context(connected(scheduler))
        refuse_other_code(client)

        def simulator_of(
            study: Study, values: Draws, seed: int, grid: Grid | None = None
        ) -> ClusterSimulator:
            return stack.enter_context(
                ClusterSimulator(client, study, values, seed, grid, threads)
            )

        yield simulator_of


@contextmanager
def connected(scheduler: str) -> Iterator[Client]:
    """Connect to a scheduler, or start a cluster here; see :func:`cluster_simulators`."""
    with _quiet():
        yield from _connected(scheduler)


def _connected(scheduler: str) -> Iterator[Client]:
    from distributed import Client

    if scheduler.split(":")[0] == "local":
        with _without_main(), _local_cluster(scheduler) as cluster, Client(cluster) as client:
            yield client
        return
    if not re.fullmatch(r"([a-z]+://)?[^\s/]+:[0-9]{1,5}", scheduler):
        raise InputError(
            f"scheduler: {scheduler!r} is neither an address like tcp://host:8786 "
            "nor local or local:N"
        )
    try:
        client = Client(scheduler, timeout=CONNECT_SECONDS)
    except (OSError, ValueError, OverflowError):
        raise InputError(f"scheduler: nobody answers at {scheduler}") from None
    with _closed(client):
        try:
            client.wait_for_workers(1, timeout=WORKER_SECONDS)
        except TimeoutError:
            raise InputError(
                f"scheduler: {scheduler} has no worker after {WORKER_SECONDS} seconds"
            ) from None
        yield client


@contextmanager
def _closed(client: Client) -> Iterator[None]:
    """Close a client in the end; whether anybody is still there to say goodbye to or not."""
    try:
        yield
    finally:
        with suppress(OSError, RuntimeError):
            client.close()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the messages of the libraries below to themselves: what goes wrong is said once."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


@contextmanager
def _without_main() -> Iterator[None]:
    """Keep the main script from being run again by every process that is started.

    A started process imports the main module of this one, which is how functions of it could
    come along. Ours come from the package, and a script without the usual guard would begin
    its run anew in each of them.
    """
    main = sys.modules["__main__"].__dict__
    before: dict[str, Any] = {name: main[name] for name in ("__file__", "__spec__") if name in main}
    main.pop("__file__", None)
    main["__spec__"] = None
    try:
        yield
    finally:
        main.update(before)


def _local_cluster(scheduler: str) -> Any:
    """Start processes of one thread each; everything listens on loopback only."""
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=_local_workers(scheduler),
        threads_per_worker=1,
        processes=True,
        host=LOOPBACK,
        memory_limit=0,
        # Errors come back with the blocks; on Ctrl-C processes that end would report each other.
        silence_logs=logging.CRITICAL,
        dashboard_address=None,
        # None alone would still have the scheduler's pages of state at a fixed port.
        scheduler_kwargs={"dashboard": False, "dashboard_address": f"{LOOPBACK}:0"},
    )


def _local_workers(scheduler: str) -> int:
    from escalation.simulation.threads import available_threads

    _, colon, number = scheduler.partition(":")
    if not colon:
        return available_threads()
    if not number.isascii() or not number.isdecimal() or not 1 <= int(number) <= MAX_LOCAL_WORKERS:
        raise InputError(
            f"scheduler: {number!r} in {scheduler!r} is not a whole number "
            f"from 1 to {MAX_LOCAL_WORKERS}"
        )
    return int(number)
