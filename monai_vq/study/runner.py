"""Trains the runs of a study: several at once, going on where it stopped, a failed one no reason to stop the others."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import pandas as pd

from monai_vq.atomic import atomic_path
from monai_vq.errors import InputError
from monai_vq.lock import locked
from monai_vq.study.plan import Run
from monai_vq.study.processes import Processes, terminable
from monai_vq.study.state import RunState, state_of


def run_all(runs: Sequence[Run], jobs: int) -> dict[str, str]:
    """Trains what is not complete and tells the progress.

    Args:
        runs: of one study.
        jobs: how many train at once, each with its share of the processor's threads.

    Returns:
        For the name of each run that failed, the last line that it said.

    Raises:
        InputError: if jobs is not positive, or another study writes to the same folder.
        KeyboardInterrupt: if the study is interrupted or terminated; its runs have ended then.
    """
    if jobs < 1:
        raise InputError(f"--jobs {jobs} must be at least 1.")
    output_dir = runs[0].output_dir
    for folder in ("runs", "logs"):
        (output_dir / folder).mkdir(parents=True, exist_ok=True)
    with locked(output_dir, "another study, or a run of one that was killed,") as lock, terminable():
        todo = [run for run in runs if state_of(run) is not RunState.COMPLETE]
        if len(todo) < len(runs):
            print(f"{len(runs) - len(todo)} of {len(runs)} runs are complete already", flush=True)
        return _train(todo, len(runs), jobs, Processes(lock))


def _train(todo: Sequence[Run], total: int, jobs: int, processes: Processes) -> dict[str, str]:
    failed: dict[str, str] = {}
    started = time.monotonic()
    with ThreadPoolExecutor(jobs) as pool:
        futures = {pool.submit(_train_one, run, jobs, processes): run for run in todo}
        try:
            for number, future in enumerate(as_completed(futures), start=1):
                run, failure = futures[future], future.result()
                if failure is not None:
                    failed[run.name] = failure
                left = (time.monotonic() - started) / number * (len(todo) - number)
                done = total - len(todo) + number
                said = _result(run) if failure is None else f"failed: {failure}"
                print(f"[{done}/{total}] {run.name}: {said}{_estimate(left)}", flush=True)
        except BaseException:  # Ctrl-C above all: no run may go on without its study
            pool.shutdown(wait=False, cancel_futures=True)
            processes.end()
            raise
    return failed


def _train_one(run: Run, jobs: int, processes: Processes) -> str | None:
    """Trains one run; returns the last line that it said if it failed."""
    state = state_of(run)
    if state is RunState.BROKEN:
        shutil.rmtree(run.run_dir)
    if state is not RunState.STARTED:
        with atomic_path(run.fingerprint_path) as part:
            part.write_text(run.fingerprint(), encoding="utf-8")
    threads = {"OMP_NUM_THREADS": str(max(1, _processors() // jobs))} if jobs > 1 else {}
    command = run.command(resume=state is RunState.STARTED)
    code = processes.run(command, run.bundle.parent.parent, os.environ | threads, run.log)
    return None if code == 0 else _last_line(run.log) or f"exit status {code}"


def _result(run: Run) -> str:
    scores = pd.read_csv(run.run_dir / "report" / "ssim_splits.csv").set_index("split")
    minutes = float(pd.read_csv(run.run_dir / "metrics.csv")["minutes"].iloc[-1])
    return f"test SSIM {scores['ssim']['test']:.4f}, {minutes:.1f} minutes of training"


def _estimate(seconds: float) -> str:
    return f"; about {seconds / 60:.0f} minutes left" if seconds > 0 else ""


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
