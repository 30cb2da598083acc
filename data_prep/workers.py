"""One function over many items: in this process, in several, or on a dask cluster; results come in order."""

import importlib.util
import multiprocessing
import os
import socket
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor
from multiprocessing.connection import wait
from typing import TypeVar
from urllib.parse import urlsplit

from monai_vq.errors import InputError

__all__ = ["check_workers", "map_in_order"]

Item = TypeVar("Item")
Result = TypeVar("Result")
_ANSWER_SECONDS = 10
_WORKER_LOST = (
    "a worker process was ended from outside, as a system without free memory does; "
    "the same command with fewer --workers goes on where this one stopped"
)
AHEAD = 4  # items per worker that may be finished before their turn: memory stays the same for any number of items


def map_in_order(
    function: Callable[[Item], Result], items: Sequence[Item], workers: int = 1, scheduler: str | None = None
) -> Generator[Result, None, None]:
    """Yields `function(item)` for each item, in their order; closing the iterator cancels what has not begun.

    Args:
        function: of a module, or a `functools.partial` of one, as it is sent to other processes.
        items: likewise sendable.
        workers: processes; 1 is this one.
        scheduler: address of a running dask scheduler such as `tcp://node1:8786`, in place of processes; its workers
            must see the same files under the same names.

    Raises:
        InputError: see `check_workers`.
        ChildProcessError: a worker was ended from outside; what was finished stays.
    """
    check_workers(workers, scheduler)
    if scheduler is not None:
        return _map_on_cluster(function, items, scheduler)
    if workers > 1 and len(items) > 1:
        return _map_in_processes(function, items, min(workers, len(items)))
    return _map_here(function, items)


def check_workers(workers: int, scheduler: str | None) -> None:
    """Finds out whether there is somebody to work, before anything is begun.

    Raises:
        InputError: the number of workers is not positive, dask is not installed, or no scheduler answers.
    """
    if workers < 1:
        raise InputError(f"{workers} workers: expected at least 1")
    if scheduler is None:
        return
    if importlib.util.find_spec("distributed") is None:
        raise InputError('--scheduler needs dask: pip install "monai_vq[dask]"')
    address = urlsplit(scheduler)
    remedy = "start one by `dask scheduler` and `dask worker`, and give its address, as in tcp://node1:8786"
    try:
        if not (address.scheme and address.hostname):
            raise ValueError("it is no address")
        if address.scheme in ("tcp", "tls"):
            if not address.port:
                raise ValueError("it has no port")
            socket.create_connection((address.hostname, address.port), timeout=_ANSWER_SECONDS).close()
    except (OSError, ValueError) as error:
        raise InputError(f"no dask scheduler answers at {scheduler} ({error}); {remedy}") from error


def _map_here(function: Callable[[Item], Result], items: Sequence[Item]) -> Generator[Result, None, None]:
    for item in items:
        yield function(item)


def _map_in_processes(
    function: Callable[[Item], Result], items: Sequence[Item], workers: int
) -> Generator[Result, None, None]:
    context = multiprocessing.get_context("spawn")  # a fork would copy locks that other threads hold
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_end_with_parent)
    try:
        yield from _drain(pool, function, items, AHEAD * workers)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _drain(
    pool: Executor, function: Callable[[Item], Result], items: Sequence[Item], ahead: int
) -> Generator[Result, None, None]:
    pending: deque[Future[Result]] = deque()
    for item in items:
        pending.append(pool.submit(function, item))
        if len(pending) >= ahead:
            yield _result(pending.popleft())
    while pending:
        yield _result(pending.popleft())


def _result(future: Future[Result]) -> Result:
    try:
        return future.result()
    except (BrokenExecutor, CancelledError) as error:  # ended by the system for its memory, or by an administrator
        raise ChildProcessError(_WORKER_LOST) from error


def _end_with_parent() -> None:
    """Ends this process as soon as its parent is gone, also by kill -9, lest it goes on writing beside a rerun."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_exit_after, args=(parent.sentinel,), daemon=True).start()


def _exit_after(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def _map_on_cluster(
    function: Callable[[Item], Result], items: Sequence[Item], scheduler: str
) -> Generator[Result, None, None]:
    import distributed  # an optional part, and slow to load

    with distributed.Client(scheduler, timeout="20s", set_as_default=False) as client:
        ahead = AHEAD * max(1, sum(client.nthreads().values()))
        try:
            yield from _drain(client.get_executor(pure=False), function, items, ahead)
        except distributed.scheduler.KilledWorker as error:
            raise ChildProcessError(_WORKER_LOST) from error
