import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from data_prep.workers import map_in_order
from monai_vq.errors import InputError


def square(number: int, offset: int = 0) -> int:
    return number * number + offset


def whose(_: int) -> int:
    return os.getpid()


def fail_at_three(number: int) -> int:
    if number == 3:
        raise InputError("the third")
    return number


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_items(workers):
    numbers = [7, 1, 30, 2, 5, 11, 3, 4, 9, 8, 6, 10]
    assert list(map_in_order(partial(square, offset=1), numbers, workers)) == [n * n + 1 for n in numbers]
    assert list(map_in_order(square, [], workers)) == []


def test_workers_are_other_processes_and_one_is_this():
    assert set(map_in_order(whose, range(4), 1)) == {os.getpid()}
    others = set(map_in_order(whose, range(8), 2))
    assert os.getpid() not in others
    assert 1 <= len(others) <= 2


@pytest.mark.parametrize("workers", [1, 2])
def test_an_exception_arrives_in_its_turn(workers):
    results = map_in_order(fail_at_three, range(6), workers)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(InputError, match="the third"):
        next(results)


def test_no_worker():
    with pytest.raises(InputError, match="0 workers: expected at least 1"):
        map_in_order(square, [1], 0)


PARENT = """
import time
from data_prep.workers import map_in_order
from slow import sleep

if __name__ == "__main__":
    results = map_in_order(sleep, [0, 600, 600, 600], 2)
    print(next(results), flush=True)
    time.sleep(600)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9")
def test_workers_end_with_a_killed_parent(tmp_path):
    (tmp_path / "slow.py").write_text(
        "import os, time\n\n\ndef sleep(seconds):\n    time.sleep(seconds)\n    return os.getpid()\n"
    )
    (tmp_path / "parent.py").write_text(PARENT)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])}
    with subprocess.Popen(
        [sys.executable, str(tmp_path / "parent.py")], stdout=subprocess.PIPE, text=True, env=environment
    ) as parent:
        worker = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    subprocess.run(["tail", f"--pid={worker}", "-f", "/dev/null"], timeout=60, check=True)  # waits for its end


def test_a_dask_scheduler_gives_the_same():
    distributed = pytest.importorskip("distributed", reason='dask is not installed: pip install "monai_vq[dask]"')
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        results = list(map_in_order(square, range(20), 1, cluster.scheduler_address))
    assert results == [n * n for n in range(20)]


def end_itself(number: int) -> int:
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9")
def test_a_worker_that_was_killed_is_no_fault_of_the_input():
    with pytest.raises(ChildProcessError, match=r"ended from outside.*fewer --workers goes on"):
        list(map_in_order(end_itself, range(4), 2))


@pytest.mark.parametrize("address", ["nonsense", "tcp://127.0.0.1", "tcp://127.0.0.1:9"])
def test_no_scheduler_at_the_address(address):
    pytest.importorskip("distributed", reason='dask is not installed: pip install "monai_vq[dask]"')
    with pytest.raises(InputError, match=rf"no dask scheduler answers at {address} .*start one by"):
        map_in_order(square, [1], 1, address)
