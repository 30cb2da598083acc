"""A reconstruction that was killed goes on, and ends as if nothing had happened."""

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pydicom
import pytest

from monai_vq.engines.reconstruct import run
from monai_vq.engines.reconstruct.scan_job import ScanJob
from monai_vq.lock import locked

KILL = """
import os, signal, sys
from monai.bundle import run
from monai_vq.reconstruct import scan_files

real, calls = scan_files.write_volume, []

def until_killed(slabs):
    yield next(iter(slabs))
    os.kill(os.getpid(), signal.SIGKILL)

def write(path, header, slabs):
    calls.append(path)
    real(path, header, until_killed(slabs) if len(calls) == 4 else slabs)

scan_files.write_volume = write
run(config_file="bundles/reconstruct.json", logging_file=False, **dict(zip(sys.argv[1::2], sys.argv[2::2])))
"""  # dies within the second volume of the second scan


@pytest.fixture
def killed(tiny_stage1, tmp_path):
    """Starts a run in another process, which is killed while it writes its second scan."""

    def die(in_fork=True, **settings):
        given = {"run_dir": tiny_stage1, "output_dir": tmp_path / "out", "device": "cpu"} | settings
        status = (fork if in_fork else start)([str(text) for pair in given.items() for text in pair])
        assert status == -signal.SIGKILL
        check_killed(tmp_path / "out")
        return tmp_path / "out"

    return die


def fork(arguments):
    """Runs the program without the seconds that its imports take."""

    def run():
        sys.argv = ["-c", *arguments]
        exec(KILL, {})

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    process.join()
    return process.exitcode


def start(arguments):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, "-c", KILL, *arguments], capture_output=True, env=environment).returncode


def check_killed(folder):
    assert len(list((folder / "scans").glob("*_record.npz"))) == 1
    assert len(list((folder / "scans").glob("*_recon.nii.gz"))) == 2
    assert len(list((folder / "scans").glob(".*_error.nii.gz.part"))) == 1
    assert not list(folder.glob("*.csv"))


@pytest.fixture
def three_patients(tiny_dataset, tmp_path):
    for patient in ("sub-P1", "sub-P2", "sub-P3"):
        shutil.copytree(tiny_dataset.parent / "bids" / patient, tmp_path / "in" / patient)
    return tmp_path / "in"


@pytest.fixture
def done(monkeypatch):
    """The scans that went through the model, in their order."""
    names, real = [], ScanJob.run

    def run(self, loaded, source_sha256):
        names.append(loaded.scan.scan_id)
        return real(self, loaded, source_sha256)

    monkeypatch.setattr(ScanJob, "run", run)
    return names


def contents(folder: Path) -> dict[str, bytes]:
    """All that a run wrote but what says how and where it ran, and DICOM, which holds the time of its making."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".json", ".dcm")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def assert_as_in_one_go(reconstruct, folder, tmp_path, **settings):
    resumed = folder.rename(tmp_path / "resumed")
    whole = reconstruct(**settings)
    ours, theirs = contents(resumed), contents(whole)
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if ours[name] != theirs[name]] == []
    return whole


@pytest.mark.parametrize("noise", [None, "rician:0.1"])
def test_what_was_killed_ends_as_in_one_go(reconstruct, killed, done, three_patients, tmp_path, noise):
    settings = {"input": three_patients} | ({"noise": noise} if noise else {})
    folder = killed(**settings)
    reconstruct(**settings, resume="true")
    assert done == ["sub-P2_T1w", "sub-P3_T1w"]
    whole = assert_as_in_one_go(reconstruct, folder, tmp_path, **settings)
    assert {"index.html", "scans.csv", "ssim_slices.csv", "ssim_scans.csv", "ssim_patients.csv"} <= contents(
        whole
    ).keys()
    assert (whole / "denoising_summary.csv").is_file() == (noise is not None)


def test_a_killed_answer_in_dicom_ends_as_in_one_go(reconstruct, killed, done, two_series, tmp_path):
    settings = {"input": two_series, "dicom_out": "true"}
    folder = killed(**settings)
    reconstruct(**settings, resume="true")
    assert len(done) == 1
    ours = images(folder)
    assert ours == images(assert_as_in_one_go(reconstruct, folder, tmp_path, **settings))
    assert len(ours) == len(list(two_series.rglob("I*")))


def images(folder):
    """UIDs and pixels of the derived images."""
    read = [pydicom.dcmread(path) for path in sorted(folder.glob("dicom/*/*"))]
    return [(image.SeriesInstanceUID, image.SOPInstanceUID, image.PixelData) for image in read]


@pytest.mark.slow
def test_a_program_of_its_own_goes_on_after_a_kill(reconstruct, killed, three_patients, tmp_path):
    folder = killed(in_fork=False, input=three_patients)
    reconstruct(input=three_patients, resume="true")
    assert_as_in_one_go(reconstruct, folder, tmp_path, input=three_patients)


def test_a_complete_run_gets_its_tables_again_and_no_scan_is_done_twice(reconstruct, done, tiny_dataset, capsys):
    folder = reconstruct(input=tiny_dataset)
    before = contents(folder)
    for path in [*folder.glob("*.csv"), folder / "index.html"]:
        path.unlink()
    done.clear()
    reconstruct(input=tiny_dataset, resume="true")
    assert (done, contents(folder)) == ([], before)
    assert "sub-P0: done before" in capsys.readouterr().out


def spoil_bytes(folder, source):
    path = source / "sub-P1/anat/sub-P1_T1w.nii.gz"
    shutil.copy(source / "sub-P2/anat/sub-P2_T1w.nii.gz", path)


def spoil_volume(folder, source):
    path = folder / "scans/sub-P1_T1w_error.nii.gz"
    path.write_bytes(path.read_bytes()[:-1])


def spoil_latent(folder, source):
    (folder / "scans/sub-P1_T1w_codes.npz").unlink()


def spoil_record(folder, source):
    path = folder / "scans/sub-P1_T1w_record.npz"
    path.write_bytes(path.read_bytes()[:300])


@pytest.mark.parametrize("spoil", [spoil_bytes, spoil_volume, spoil_latent, spoil_record])
def test_only_the_scan_that_is_not_whole_is_done_again(reconstruct, done, three_patients, tmp_path, spoil):
    folder = reconstruct(input=three_patients)
    done.clear()
    spoil(folder, three_patients)
    reconstruct(input=three_patients, resume="true")
    assert done == ["sub-P1_T1w"]
    assert_as_in_one_go(reconstruct, folder, tmp_path, input=three_patients)


def test_a_scan_that_changed_while_it_was_read_is_done_again(reconstruct, done, three_patients, tmp_path, monkeypatch):
    real = run.load_scan

    def load(scan, *others):
        loaded = real(scan, *others)
        if scan.scan_id == "sub-P1_T1w":
            spoil_bytes(None, three_patients)
        return loaded

    with monkeypatch.context() as patch:
        patch.setattr(run, "load_scan", load)
        folder = reconstruct(input=three_patients)
    done.clear()
    reconstruct(input=three_patients, resume="true")
    assert done == ["sub-P1_T1w"]
    assert_as_in_one_go(reconstruct, folder, tmp_path, input=three_patients)


def test_slices_that_were_prepared_anew_are_done_again(reconstruct, done, tiny_dataset, tmp_path):
    source = Path(shutil.copytree(tiny_dataset, tmp_path / "in"))
    reconstruct(input=source)
    done.clear()
    slices = source / "slices/sub-P3.npy"
    np.save(slices, np.load(slices) // 2)
    reconstruct(input=source, resume="true")
    assert done == ["sub-P3"]


def test_scans_may_come_and_go(reconstruct, done, tiny_dataset, tmp_path, caplog):
    source = Path(shutil.copytree(tiny_dataset.parent / "bids/sub-P1", tmp_path / "in/sub-P1")).parent
    folder = reconstruct(input=source)
    done.clear()
    (source / "sub-P1").rename(tmp_path / "gone")
    shutil.copytree(tiny_dataset.parent / "bids/sub-P2", source / "sub-P2")
    reconstruct(input=source, resume="true")
    assert done == pd.read_csv(folder / "scans.csv")["scan_id"].tolist() == ["sub-P2_T1w"]
    assert (folder / "scans/sub-P1_T1w_recon.nii.gz").is_file()
    assert "1 scan(s) of the earlier run are not in the input any more, first sub-P1_T1w" in caplog.text


def test_whose_a_scan_is_may_be_said_later(reconstruct, done, tiny_dataset, tmp_path):
    (tmp_path / "in").mkdir()
    for number in (1, 2):
        name = f"sub-P{number}_T1w.nii.gz"
        shutil.copy(tiny_dataset.parent / f"bids/sub-P{number}/anat/{name}", tmp_path / f"in/visit{number}-of-A.nii.gz")
    folder = reconstruct(input=tmp_path / "in", dataset_dir="nowhere")
    assert "Of 2 scan(s) nothing says whose they are" in (folder / "index.html").read_text()
    done.clear()
    settings = {"input": tmp_path / "in", "dataset_dir": "nowhere", "patient_regex": "of-(.)"}
    reconstruct(**settings, resume="true")
    assert done == []
    assert pd.read_csv(folder / "ssim_patients.csv")["patient_id"].tolist() == ["A"]
    assert_as_in_one_go(reconstruct, folder, tmp_path, **settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"noise": "rician:0.1"}, r"another noise \(none\) than is given here \(rician:0.1\)"),
        ({"batch_size": 3}, r"another batch_size \(16\) than is given here \(3\)"),
        ({"precision": "bf16"}, r"another precision \(fp32\) than is given here \(bf16\)"),
        ({"seed": 1}, "another seed"),
        ({"slice_range": [0, 1]}, r"another slice_range \(\[0.3, 0.7\]\) than is given here \(\[0.0, 1.0\]\)"),
        ({"assume_orientation": "LAS"}, "another assume_orientation"),
    ],
)
def test_other_settings_are_refused_by_name_and_nothing_is_touched(reconstruct, tiny_dataset, settings, message):
    source = tiny_dataset.parent / "bids/sub-P1"
    folder = reconstruct(input=source)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(SystemExit, match=message):
        reconstruct(input=source, resume="true", **settings)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.skipif(sys.platform == "win32", reason="locks of POSIX")
@pytest.mark.parametrize("resume", ["true", "false"])
def test_a_folder_that_another_run_writes_to_is_neither_resumed_nor_renamed(
    reconstruct, tiny_dataset, tmp_path, resume
):
    source = tiny_dataset.parent / "bids/sub-P1"
    folder = reconstruct(input=source)
    before = contents(tmp_path)
    with locked(folder, "the other"), pytest.raises(SystemExit, match=r"another reconstruction writes to .*; wait"):
        reconstruct(input=source, resume=resume)
    assert contents(tmp_path) == before


def test_another_checkpoint_is_refused(reconstruct, tiny_dataset, tiny_stage1, four_epochs):
    source = tiny_dataset.parent / "bids/sub-P1"
    reconstruct(input=source)
    with pytest.raises(SystemExit, match=r"another checkpoint \(\w{12}…\) than is given here \(\w{12}…\)"):
        reconstruct(input=source, run_dir=str(four_epochs), resume="true")


def test_a_folder_that_holds_no_reconstruction_is_refused(reconstruct, tiny_dataset, tiny_stage1, tmp_path):
    source = tiny_dataset.parent / "bids/sub-P1"
    with pytest.raises(SystemExit, match="holds no reconstruction"):
        reconstruct(input=source, resume="true")
    assert not (tmp_path / "out").exists()
    config = (tiny_stage1 / "config.json").read_text()
    with pytest.raises(SystemExit, match="holds no reconstruction"):
        reconstruct(input=source, output_dir=str(tiny_stage1), resume="true")
    assert (tiny_stage1 / "config.json").read_text() == config
    assert json.loads(config)["max_epochs"] == 2
