"""Processes that end with the program that started them."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from types import FrameType

SECONDS_TO_END = 10.0  # for a process that is told to, before it is killed


class Processes:
    """Runs commands from several threads, until it is told to end them all.

    Args:
        lock: file descriptor of the folder's lock, which each process holds as well; None where there is no lock.
    """

    def __init__(self, lock: int | None) -> None:
        self._inherited = () if lock is None else (lock,)
        self._running: list[subprocess.Popen[bytes]] = []
        self._mutex, self._ended = Lock(), False

    def run(self, command: Sequence[str], cwd: Path, environment: Mapping[str, str], log: Path) -> int:
        """Runs a command to its end, what it says added to the log, and returns its exit status."""
        with log.open("ab") as output:
            with self._mutex:  # no process starts behind the back of end()
                if self._ended:
                    raise KeyboardInterrupt
                process = subprocess.Popen(
                    command, cwd=cwd, env=dict(environment), stdout=output, stderr=output, pass_fds=self._inherited
                )
                self._running.append(process)
            return process.wait()

    def end(self) -> None:
        """Ends all that run, and waits for it; no other will start."""
        with self._mutex:
            self._ended = True
        for process in self._running:
            process.terminate()
        for process in self._running:
            try:
                process.wait(SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def terminable() -> Iterator[None]:
    """Makes SIGTERM end a program as Ctrl-C does, its processes with it."""

    def interrupt(signum: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
