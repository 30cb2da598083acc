import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from monai_vq import lock
from monai_vq.errors import InputError
from monai_vq.lock import LOCK, check_unlocked, locked

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="locks of POSIX")


def test_one_at_a_time_writes_to_a_folder(tmp_path):
    expected = f"another study writes to {tmp_path}; wait for its end, or choose another --output_dir."
    with locked(tmp_path, "another study"):
        for refuse in (
            lambda: locked(tmp_path, "another study").__enter__(),
            lambda: check_unlocked(tmp_path, "another study"),
        ):
            with pytest.raises(InputError) as caught:
                refuse()
            assert str(caught.value) == expected
    check_unlocked(tmp_path, "another study")
    with locked(tmp_path, "another study"):
        pass


def test_a_folder_stays_locked_as_long_as_a_process_of_a_killed_program_lives(tmp_path):
    os.mkfifo(tmp_path / "ready")
    code = f"import signal; open({str(tmp_path / 'ready')!r}, 'w').close(); signal.pause()"
    with locked(tmp_path, "it") as held:
        assert held is not None
        orphan = subprocess.Popen([sys.executable, "-c", code], pass_fds=(held,))
        (tmp_path / "ready").read_text()  # waits until it has started
    with pytest.raises(InputError, match="it writes to"):
        locked(tmp_path, "it").__enter__()
    orphan.kill()
    orphan.wait()
    with locked(tmp_path, "it"):
        pass


def test_looking_makes_nothing(tmp_path):
    check_unlocked(tmp_path, "it")
    check_unlocked(tmp_path / "missing", "it")
    assert not list(tmp_path.iterdir())


def test_a_file_system_without_locks_is_told_and_used(tmp_path, monkeypatch, caplog):
    def refuse(file: Path, operation: int) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(lock.fcntl, "flock", refuse)
    with locked(tmp_path, "it"):
        assert (tmp_path / LOCK).is_file()
    assert "cannot be locked (Function not implemented)" in caplog.text
