import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from monai_vq.study.processes import Processes, terminable

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and locks of POSIX")


def waiting(ready: Path) -> list[str]:
    """A command that says through a pipe that it has started, and then waits to be ended."""
    return [sys.executable, "-c", f"import signal; open({str(ready)!r}, 'w').close(); signal.pause()"]


@pytest.fixture
def ready(tmp_path) -> Path:
    os.mkfifo(tmp_path / "ready")
    return tmp_path / "ready"


def test_a_process_says_what_it_says_to_the_log(tmp_path):
    code = [sys.executable, "-c", "import os, sys; print(os.environ['A'], os.getcwd()); sys.exit('last words')"]
    environment = os.environ | {"A": "1"}
    for _ in range(2):
        assert Processes(None).run(code, tmp_path, environment, tmp_path / "log") == 1
    assert (tmp_path / "log").read_text().splitlines().count("last words") == 2
    assert f"1 {tmp_path}" in (tmp_path / "log").read_text()


def test_end_ends_what_runs_and_lets_nothing_start(tmp_path, ready):
    processes = Processes(None)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(processes.run, waiting(ready), tmp_path, os.environ, tmp_path / "log")
        ready.read_text()  # waits until it has started
        processes.end()
        assert future.result() == -signal.SIGTERM
    with pytest.raises(KeyboardInterrupt):
        processes.run([sys.executable, "-c", "pass"], tmp_path, os.environ, tmp_path / "log")


def test_sigterm_interrupts_and_the_handler_before_comes_back():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), terminable():
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before
