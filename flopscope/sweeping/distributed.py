"""The blocks of a sweep on the workers of a Dask cluster.

The tables are sent to each worker once. The work is a function of a module, which workers import:
functions of a script would be sent with all that they hold, again with every task.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from flopscope.errors import BadInput
from flopscope.extras import require_cluster
from flopscope.sweeping.regions import Regions
from flopscope.sweeping.running import Here, Runner, Shared, Work

if TYPE_CHECKING:
    from distributed import Client

PATIENCE = 10
"""For so many seconds a scheduler may be silent."""
ENVIRONMENT = "distributed.nanny.pre-spawn-environ"
MEMORY = {"MALLOC_TRIM_THRESHOLD_": 2**28, "MALLOC_MMAP_THRESHOLD_": 2**24}
"""Dask has its workers give memory back to the system at once, so that each array is made of new
pages, which takes several times as long as counting. With these limits in bytes it is kept."""
AHEAD = 4
"""So many parts wait for each worker, which keeps what is not merged yet small."""


class Cluster:
    """The workers of a client's cluster."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._sent: tuple[Regions, Any] | None = None

    def each(self, work: Work, shared: Shared, parts: Sequence[Any]) -> Iterator[Any]:
        """The results of the work on each part, in the order of the parts. Raises BadInput where
        workers are lost."""
        from distributed import KilledWorker
        from distributed.comm.core import CommClosedError

        tables, others = self._tables(shared.regions), shared[1:]
        waiting: deque[Any] = deque()
        left = iter(parts)
        most = AHEAD * max(1, len(self._client.nthreads()))
        try:
            while True:
                for _, part in zip(range(most - len(waiting)), left, strict=False):
                    waiting.append(
                        self._client.submit(_part, tables, others, work, part, pure=False)
                    )
                if not waiting:
                    return
                yield waiting.popleft().result()
        except (KilledWorker, CommClosedError, TimeoutError) as error:
            raise BadInput(
                f"the workers of the cluster were lost ({type(error).__name__}); start the same "
                "command again, with fewer workers if memory ran out"
            ) from error
        finally:
            self._client.cancel(list(waiting))

    def _tables(self, regions: Regions) -> Any:
        """The tables where the workers have them, which get them once, however often they go
        through them."""
        if self._sent is None or self._sent[0] is not regions:
            (sent,) = self._client.scatter([regions], broadcast=True, hash=False)
            self._sent = regions, sent
        return self._sent[1]


def _part(regions: Regions, others: tuple[Any, ...], work: Work, part: Any) -> Any:
    """The result of the work on one part, on a worker."""
    return work(Shared(regions, *others), part)


@contextmanager
def runner(workers: int | None = None, scheduler: str | None = None) -> Iterator[Runner]:
    """What goes through blocks: this process, a cluster of so many workers that lives as long as
    the context, or the cluster of the scheduler at this address.

    Raises BadInput for both at once, where Dask is missing, and where no scheduler with workers
    answers.
    """
    if workers is not None and scheduler is not None:
        raise BadInput(
            "--workers starts a cluster and --scheduler names a running one; leave one of them out"
        )
    if workers is None and scheduler is None:
        yield Here()
        return
    require_cluster()
    with _local(workers) if workers is not None else _at(str(scheduler)) as client:
        yield Cluster(client)


@contextmanager
def _local(workers: int) -> Iterator[Client]:
    import dask
    from distributed import Client, LocalCluster

    with (
        dask.config.set({f"{ENVIRONMENT}.{name}": value for name, value in MEMORY.items()}),
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address=":0",
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@contextmanager
def _at(address: str) -> Iterator[Client]:
    from distributed import Client

    try:
        client = Client(address, timeout=PATIENCE)
    except (OSError, ValueError, TypeError) as error:
        raise BadInput(
            f"no Dask scheduler answers at '{address}'; start one with `dask scheduler` and give "
            "its address, such as tcp://127.0.0.1:8786, or leave --scheduler out and give --workers"
        ) from error
    with client:
        if not client.nthreads():
            raise BadInput(
                f"the Dask scheduler at '{address}' has no workers; start some with "
                f"`dask worker {address}`"
            )
        yield client
