import pytest

from monai_vq.reconstruct import available_memory as module
from monai_vq.reconstruct.available_memory import available_memory

FREE = 4_096_000_000  # of the machine


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Writes the files that Linux has of a machine's memory and of its control groups."""
    monkeypatch.setattr(module, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(module, "_OWN_GROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(module, "_MOUNT", tmp_path / "mount")
    (tmp_path / "meminfo").write_text("MemTotal:       16000000 kB\nMemAvailable:    4000000 kB\n")

    def write(own: str, **files: str) -> None:
        (tmp_path / "cgroup").write_text(own)
        for name, content in files.items():
            path = tmp_path / "mount" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)

    return write


def test_linux_says_what_is_free_and_others_do_not(tmp_path, machine, monkeypatch):
    assert available_memory() == FREE
    monkeypatch.setattr(module, "_MEMINFO", tmp_path / "none")
    assert available_memory() is None


def test_a_job_of_a_cluster_has_its_own_limit_which_stands_above_its_step(machine):
    job = "system.slice/slurmstepd.scope/job_7"
    machine(
        f"0::/{job}/step_0/user/task_0\n",
        **{
            f"{job}/memory.max": "3000000000\n",
            f"{job}/memory.current": "1200000000\n",
            f"{job}/memory.stat": "anon 900000000\nfile 300000000\ninactive_file 200000000\n",
            f"{job}/step_0/user/task_0/memory.max": "max\n",
            f"{job}/step_0/user/task_0/memory.current": "1100000000\n",
        },
    )
    assert available_memory() == 3_000_000_000 - 1_200_000_000 + 200_000_000


def test_the_first_version_of_control_groups_has_other_names(machine):
    machine(
        "9:name=systemd:/\n4:cpu,memory:/job\n0::/\n",
        **{
            "memory/job/memory.limit_in_bytes": "2000000000\n",
            "memory/job/memory.usage_in_bytes": "1900000000\n",
            "memory/job/memory.stat": "cache 5\ninactive_file 7\ntotal_inactive_file 50000000\n",
            "memory/memory.limit_in_bytes": "9223372036854771712\n",
            "memory/memory.usage_in_bytes": "5000000000\n",
        },
    )
    assert available_memory() == 150_000_000


def test_within_a_container_its_group_is_the_root(machine):
    machine("0::/docker/0123\n", **{"memory.max": "1000000000\n", "memory.current": "400000000\n"})
    assert available_memory() == 600_000_000


def test_a_limit_that_is_overdrawn_leaves_nothing(machine):
    machine("0::/\n", **{"memory.max": "1000\n", "memory.current": "4000\n"})
    assert available_memory() == 0


def test_a_group_without_a_limit_changes_nothing(machine):
    machine("0::/\n", **{"memory.max": "max\n", "memory.current": "4000\n"})
    assert available_memory() == FREE
