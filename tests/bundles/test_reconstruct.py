import errno
import gzip
import json
import shutil
import zipfile

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import torch

from monai_vq.data import VolumeError
from monai_vq.data.dicom import read_series
from monai_vq.engines import load_run
from monai_vq.engines.reconstruct.scan_job import ScanJob
from monai_vq.errors import InputError
from monai_vq.lock import LOCK
from monai_vq.reconstruct.decoding import decode_latent
from monai_vq.reconstruct.latent_reading import read_latent
from monai_vq.reconstruct.scan_files import ScanFiles


@pytest.fixture
def brighter_run(tiny_stage1, tmp_path):
    """The run with a brighter last layer: after two epochs its images are black."""
    run = tmp_path / "brighter"
    shutil.copytree(tiny_stage1, run)
    checkpoint = torch.load(run / "checkpoints/best.pt", weights_only=True)
    last = [name for name in checkpoint["network"] if name.startswith("decoder") and name.endswith("bias")][-1]
    checkpoint["network"][last] += 0.5
    torch.save(checkpoint, run / "checkpoints/best.pt")
    return run


def test_one_volume_comes_back_with_its_latent_its_scores_and_a_page(reconstruct, tiny_dataset, tiny_stage1):
    path = tiny_dataset.parent / "bids/sub-P1/anat/sub-P1_T1w.nii.gz"
    folder = reconstruct(input=path)
    recon, source = nib.load(folder / "scans/sub-P1_T1w_recon.nii.gz"), nib.load(path)
    np.testing.assert_array_equal(recon.affine, source.affine)
    assert recon.shape == source.shape
    error = np.asarray(nib.load(folder / "scans/sub-P1_T1w_error.nii.gz").dataobj)
    inside = error != 0
    np.testing.assert_allclose((np.asarray(recon.dataobj) - source.get_fdata())[inside], error[inside], rtol=1e-5)
    network = load_run(tiny_stage1)
    stored = read_latent(folder / "scans/sub-P1_T1w_codes.npz", network)
    np.testing.assert_array_equal(decode_latent(network, stored.latent), np.asarray(recon.dataobj))
    row = pd.read_csv(folder / "scans.csv").iloc[0]
    assert row["slice_indices"] == " ".join(map(str, stored.latent.placement.slice_indices))
    assert {path.name for path in folder.iterdir()} == {
        *(LOCK, "config.json", "environment.json", "index.html", "scans", "scans.csv", "skipped.csv"),
        *("ssim_patients.csv", "ssim_scans.csv", "ssim_slices.csv"),
    }


def test_a_prepared_dataset_has_the_scores_of_the_run_s_own_report(reconstruct, tiny_dataset, tiny_stage1):
    folder = reconstruct(input=tiny_dataset)
    for level, ids in (("slices", ["scan_id", "slice_index"]), ("patients", ["patient_id"])):
        ours, theirs = (pd.read_csv(one / f"ssim_{level}.csv") for one in (folder, tiny_stage1 / "report"))
        assert list(ours.columns) == list(theirs.columns)
        ours, theirs = (table.sort_values(ids).reset_index(drop=True) for table in (ours, theirs))
        pd.testing.assert_frame_equal(ours, theirs, atol=1e-5)


def test_a_run_reconstructs_in_the_precision_of_its_own_scores(reconstruct, run_bundle, tiny_dataset, tmp_path):
    run = run_bundle("projected", tmp_path / "run", precision="bf16")
    theirs = pd.read_csv(run / "report/ssim_slices.csv").set_index(["scan_id", "slice_index"])["ssim"]
    gains = {}
    for given in ({}, {"precision": "fp32"}):
        folder = reconstruct(run_dir=str(run), input=tiny_dataset, **given)
        with np.load(folder / "scans/sub-P1_codes.npz") as stored:
            gains[str(stored["precision"])] = stored["side"]
        if not given:
            ours = pd.read_csv(folder / "ssim_slices.csv").set_index(["scan_id", "slice_index"])["ssim"]
            assert (ours - theirs).abs().max() < 1e-6
    assert np.abs(gains["bf16"] - gains["fp32"]).max() > 1e-4
    page = (folder / "index.html").read_text()
    assert "<tr><th>precision</th><td>fp32</td></tr>" in page
    assert "<tr><th>precision of the model&#39;s training and report</th><td>bf16</td></tr>" in page


def test_a_precision_that_the_device_cannot_do_becomes_fp32_and_the_page_says_so(
    reconstruct, tiny_dataset, tiny_stage1, tmp_path
):
    run = shutil.copytree(tiny_stage1, tmp_path / "half")
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps(config | {"precision": "fp16"}))
    folder = reconstruct(run_dir=str(run), input=tiny_dataset.parent / "bids/sub-P1")
    assert json.loads((folder / "config.json").read_text())["precision"] == "fp32"
    assert "<td>fp16, which this device cannot do</td>" in (folder / "index.html").read_text()


def test_volumes_have_the_scores_of_their_prepared_slices(reconstruct, tiny_dataset, tiny_stage1):
    folder = reconstruct(input=tiny_dataset.parent / "bids")
    ours = pd.read_csv(folder / "ssim_slices.csv").set_index(["patient_id", "slice_index"])
    theirs = pd.read_csv(tiny_stage1 / "report/ssim_slices.csv").set_index(["patient_id", "slice_index"])
    assert set(theirs.index) <= set(ours.index)  # the dataset has four slices a scan, the reconstruction every one
    np.testing.assert_allclose(ours.loc[theirs.index, "ssim"], theirs["ssim"], atol=1e-5)
    assert (ours.loc[theirs.index, "split"] == theirs["split"]).all()
    page = (folder / "index.html").read_text()
    assert "The model has seen some of these patients" in page
    assert "seen in training: the model was trained on it" in page


def test_the_head_can_be_covered_whole(reconstruct, tiny_dataset):
    folder = reconstruct(input=tiny_dataset.parent / "bids/sub-P1", slice_range=[0, 1])
    assert len(pd.read_csv(folder / "ssim_slices.csv")) > 8


def test_what_cannot_be_read_is_told_and_the_rest_goes_on(reconstruct, tiny_dataset, tmp_path):
    source = tmp_path / "in"
    shutil.copytree(tiny_dataset.parent / "bids/sub-P1", source / "good")
    (source / "cut.nii.gz").write_bytes(next(source.rglob("*.nii.gz")).read_bytes()[:900])
    (source / "empty.nii").write_bytes(b"")
    folder = reconstruct(input=source)
    skipped = pd.read_csv(folder / "skipped.csv")
    assert dict(zip(skipped["place"], skipped["reason"], strict=True)) == {
        "cut.nii.gz": "the gzip stream is damaged or cut off",
        "empty.nii": "the file is empty (0 bytes)",
    }
    assert len(pd.read_csv(folder / "scans.csv")) == 1
    assert "cut.nii.gz" in (folder / "index.html").read_text()


def test_nothing_readable_is_an_error_and_still_listed(reconstruct, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/empty.nii").write_bytes(b"")
    with pytest.raises(SystemExit, match="none of 1 file"):
        reconstruct(input=tmp_path / "in")
    assert len(pd.read_csv(tmp_path / "out/skipped.csv")) == 1


def test_an_earlier_result_is_kept(reconstruct, tiny_dataset, tmp_path):
    for _ in range(2):
        reconstruct(input=tiny_dataset.parent / "bids/sub-P1")
    kept = [path for path in tmp_path.iterdir() if path.name.startswith("out_")]
    assert len(kept) == 1
    assert (kept[0] / "index.html").is_file()


def test_a_run_whose_dataset_is_gone_still_knows_how_to_cut(reconstruct, tiny_dataset):
    folder = reconstruct(input=tiny_dataset.parent / "bids/sub-P1", dataset_dir="nowhere/at/all")
    assert "nobody can say whether it has seen these" in (folder / "index.html").read_text()
    assert set(pd.read_csv(folder / "ssim_slices.csv")["split"]) == {"new"}


def test_an_older_run_asks_its_dataset(reconstruct, tiny_stage1, tiny_dataset, tmp_path):
    old = tmp_path / "old"
    shutil.copytree(tiny_stage1, old)
    checkpoint = torch.load(old / "checkpoints/best.pt", weights_only=True)
    assert checkpoint["record"].pop("preparation")["slicing"]["plane"] == "axial"
    torch.save(checkpoint, old / "checkpoints/best.pt")
    path = tiny_dataset.parent / "bids/sub-P1"
    with pytest.raises(SystemExit, match="give that as --dataset_dir"):
        reconstruct(run_dir=str(old), input=path, dataset_dir=str(tmp_path / "moved"))
    assert (reconstruct(run_dir=str(old), input=path) / "index.html").is_file()


def test_noise_is_scored_beside_what_costs_nothing(reconstruct, tiny_dataset):
    folder = reconstruct(input=tiny_dataset, split="test", noise="rician:0.2")
    summary = pd.read_csv(folder / "denoising_summary.csv")
    assert {"reconstruction", "identity"} < set(summary["method"])
    ours = pd.read_csv(folder / "ssim_patients.csv")
    assert summary.set_index("method").loc["reconstruction", "ssim"] == pytest.approx(ours["ssim"].mean())
    page = (folder / "index.html").read_text()
    assert "rician:0.2" in page
    assert "Noise taken away" in page


def unpacked(path):
    """A file's bytes, without compression."""
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes())
    if path.suffix == ".npz":
        with zipfile.ZipFile(path) as archive:
            return b"".join(map(archive.read, archive.namelist())).replace(b"\0", b"")  # of texts, four bytes a letter
    return path.read_bytes()


@pytest.mark.parametrize("dicom_out", ["true", "false"])
def test_dicom_names_no_person_but_in_dicom(reconstruct, dicom_folder, capsys, caplog, dicom_out):
    folder = reconstruct(input=dicom_folder, dicom_out=dicom_out)
    written = [path for path in folder.rglob("*") if path.is_file() and "dicom" not in path.relative_to(folder).parts]
    config = (folder / "config.json").read_text()
    assert not any(b"DOE" in unpacked(path) for path in written if path.name != "config.json")
    assert "DOE" not in config + str(written) + "".join(capsys.readouterr()) + caplog.text
    assert (folder / "dicom").is_dir() == (dicom_out == "true")


def test_the_page_does_not_name_a_folder_of_dicom(reconstruct, dicom_folder):
    page = (reconstruct(input=next(dicom_folder.iterdir())) / "index.html").read_text()
    assert "DOE" not in page


def test_a_disk_that_is_full_ends_in_one_line(reconstruct, tiny_dataset, monkeypatch):
    def fill(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(ScanFiles, "write", fill)
    with pytest.raises(SystemExit, match=r"cannot be written to \(No space left on device\)"):
        reconstruct(input=tiny_dataset.parent / "bids/sub-P1")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "it does not fit into memory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "it does not fit into memory"),
        (VolumeError("no answer in DICOM", "write NIfTI"), "no answer in DICOM"),
        (InputError("more than DICOM holds"), "more than DICOM holds"),
    ],
)
def test_a_scan_that_fails_on_its_way_does_not_end_the_others(reconstruct, tiny_dataset, monkeypatch, error, reason):
    real = ScanJob.run

    def run(self, loaded, *others):
        if loaded.scan.scan_id == "sub-P1":
            raise error
        return real(self, loaded, *others)

    monkeypatch.setattr(ScanJob, "run", run)
    folder = reconstruct(input=tiny_dataset, split="train")
    assert pd.read_csv(folder / "skipped.csv")["reason"].tolist() == [reason]
    assert "sub-P1" not in (scans := pd.read_csv(folder / "scans.csv")["scan_id"].tolist())
    assert scans


def test_numbers_that_are_none_are_told_with_their_scan(reconstruct, tiny_dataset, monkeypatch):
    monkeypatch.setattr(torch, "isfinite", lambda tensor: torch.zeros_like(tensor, dtype=torch.bool))
    with pytest.raises(SystemExit, match=r"error: sub-P1_T1w: the reconstruction of slices .* is not finite"):
        reconstruct(input=tiny_dataset.parent / "bids/sub-P1")


def test_dicom_is_answered_in_dicom_on_the_same_grid(reconstruct, dicom_folder, brighter_run):
    folder = reconstruct(run_dir=str(brighter_run), input=dicom_folder, dicom_out=True)
    row = pd.read_csv(folder / "scans.csv").iloc[0]
    answer = read_series(tuple(sorted((folder / row["dicom"]).iterdir())))
    source = read_series(tuple(sorted(next(dicom_folder.iterdir()).iterdir())))
    recon = np.asarray(nib.load(folder / row["recon"]).dataobj)
    np.testing.assert_allclose(answer.affine, source.affine, atol=1e-6)
    assert np.abs(answer.array - recon).max() <= 0.5 + 1e-3  # the source's own step is 1
    assert answer.sha256 != source.sha256


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "--input is missing"),
        ({"inptu": "x"}, "did you mean --input"),
        ({"input": "nowhere/at/all"}, "there is no such file or folder"),
        ({"input": "{bids}", "slice_range": [0.5, 0.2]}, "expected 0 <= LOW < HIGH <= 1"),
        ({"input": "{bids}", "slice_range": 0.5}, "expected list or None"),
        ({"input": "{bids}", "slice_range": ["a", 1]}, "expected two numbers"),
        ({"input": "{bids}", "output_dir": "{prepared}/splits.json/out"}, "cannot be written to"),
        ({"input": "{bids}", "noise": "salt:1"}, "expected KIND:SIGMA"),
        ({"input": "{bids}", "dicom_out": "true"}, "has no DICOM series"),
        ({"input": "{bids}", "dicom_out": "maybe"}, "expected bool"),
        ({"input": "{bids}", "split": "test"}, "is no prepared dataset"),
        ({"input": "{bids}", "output_dir": "{bids}/out"}, "lies in the input"),
        ({"input": "{prepared}", "slice_range": [0, 1]}, "whose slices are cut"),
        ({"input": "{prepared}", "split": "tset"}, "expected one of all, train, val, test"),
        ({"input": "{bids}", "run_dir": "nowhere/at/all"}, "no run in nowhere/at/all"),
        ({"input": "{bids}", "precision": "fp16"}, "needs a CUDA device"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(reconstruct, tiny_dataset, tmp_path, settings, message):
    places = {"bids": tiny_dataset.parent / "bids", "prepared": tiny_dataset}
    given = {name: value.format(**places) if isinstance(value, str) else value for name, value in settings.items()}
    with pytest.raises(SystemExit, match=message):
        reconstruct(**given)
    assert not (tmp_path / "out").exists()


def test_the_record_says_what_was_asked(reconstruct, tiny_dataset):
    folder = reconstruct(input=tiny_dataset.parent / "bids/sub-P1", seed=3)
    config = json.loads((folder / "config.json").read_text())
    assert (config["dataset_dir"], config["seed"], config["precision"]) == (str(tiny_dataset), 3, "fp32")
