import json
from dataclasses import replace
from pathlib import Path

import pytest

from monai_vq.errors import InputError
from monai_vq.study import runner
from monai_vq.study.processes import Processes
from monai_vq.study.runner import run_all
from monai_vq.study.state import RunState


@pytest.fixture
def trained(monkeypatch, tmp_path) -> list[tuple[str, list[str], str]]:
    """Runs nothing, but notes name, command and threads; a run of seed 1 fails."""
    seen: list[tuple[str, list[str], str]] = []

    def run(self, command, cwd, environment, log: Path) -> int:
        seen.append((log.stem, command, environment.get("OMP_NUM_THREADS", "")))
        log.write_text("Traceback\n\nValueError: no good\n\n")
        return int("seed1" in log.stem)

    monkeypatch.setattr(Processes, "run", run)
    monkeypatch.setattr(runner, "_result", lambda run: "well")
    monkeypatch.setattr(runner, "_processors", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    return seen


def test_a_failed_run_is_told_and_does_not_stop_the_others(trained, make_run, capsys):
    runs = [make_run("vq_ema", seed) for seed in (0, 1, 2)]
    assert run_all(runs, 1) == {"vq_ema-seed1": "ValueError: no good"}
    assert [name for name, _, _ in trained] == [run.name for run in runs]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("[1/3] vq_ema-seed0: well; about ")
    assert lines[1].startswith("[2/3] vq_ema-seed1: failed: ValueError: no good; about ")
    assert lines[2] == "[3/3] vq_ema-seed2: well"


@pytest.mark.parametrize(("jobs", "threads"), [(1, ""), (2, "4"), (3, "2"), (16, "1")])
def test_runs_at_once_share_the_processor(trained, make_run, jobs, threads):
    run_all([make_run("vq_ema")], jobs)
    assert trained[0][2] == threads


def test_complete_runs_are_left_and_started_ones_go_on(trained, make_run, monkeypatch, capsys):
    runs = [make_run("vq_ema", seed) for seed in (0, 2, 3)]
    states = dict(zip([run.name for run in runs], [RunState.COMPLETE, RunState.STARTED, RunState.ABSENT], strict=True))
    monkeypatch.setattr(runner, "state_of", lambda run: states[run.name])
    run_all(runs, 1)
    assert [(name, [word for word in command if "resume" in word]) for name, command, _ in trained] == [
        ("vq_ema-seed2", ["--resume=True"]),
        ("vq_ema-seed3", ["--resume=False"]),
    ]
    assert capsys.readouterr().out.splitlines()[0] == "1 of 3 runs are complete already"


def test_what_was_killed_before_its_first_checkpoint_is_cleared(trained, make_run):
    run = make_run("vq_ema")
    run.run_dir.mkdir(parents=True)
    (run.run_dir / "config.json").write_text(json.dumps({}))
    run_all([run], 1)
    assert not run.run_dir.exists()


def test_an_interruption_ends_the_runs(make_run, monkeypatch):
    ended = []

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Processes, "run", interrupt)
    monkeypatch.setattr(Processes, "end", lambda self: ended.append(self))
    with pytest.raises(KeyboardInterrupt):
        run_all([make_run("vq_ema", seed) for seed in range(3)], 2)
    assert len(ended) == 1


def test_no_jobs_are_an_error(make_run):
    with pytest.raises(InputError, match="--jobs 0 must be at least 1"):
        run_all([make_run("vq_ema")], 0)


def test_a_run_that_says_nothing_fails_with_its_exit_status(make_run, monkeypatch):
    def run(self, command, cwd, environment, log: Path) -> int:
        log.touch()
        return 137

    monkeypatch.setattr(Processes, "run", run)
    planned = make_run("vq_ema")
    assert run_all([replace(planned, seed=5)], 1) == {"vq_ema-seed5": "exit status 137"}
