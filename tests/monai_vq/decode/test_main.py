import shutil

import numpy as np
import pytest

from monai_vq.decode import ScanDecoder
from monai_vq.decode.__main__ import main


@pytest.fixture
def codes(reconstructed):
    """A latent of one scan."""
    return reconstructed / "sub-P1_T1w_codes.npz"


@pytest.fixture
def decode(tiny_stage1, tmp_path):
    """Runs the command with the run and an output folder, unless others are given."""

    def run(*paths, run_dir=tiny_stage1, output_dir=tmp_path / "out"):
        options = ["--run_dir", run_dir, "--output_dir", output_dir, "--device", "cpu"]
        return main([str(one) for one in (*paths, *options)])

    return run


def test_what_is_decoded_is_named(codes, decode, tmp_path, capsys):
    assert decode(codes) == 0
    written = tmp_path / "out/sub-P1_T1w_recon.nii.gz"
    assert capsys.readouterr().out == f"{written}\n1 scan(s) decoded, 0 not: {tmp_path / 'out'}\n"
    assert written.is_file()


def test_what_cannot_be_decoded_is_a_line_each_and_the_rest_goes_on(codes, decode, tmp_path, capsys):
    cut, foreign = tmp_path / "cut.npz", tmp_path / "foreign.npz"
    cut.write_bytes(codes.read_bytes()[:-100])
    np.savez(foreign, codes=np.zeros(3))
    assert decode(cut, foreign, tmp_path, tmp_path / "none.npz", codes, codes) == 1
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert len(lines) == 5
    assert all(line.startswith("error: ") for line in lines)
    for line, name in zip(
        lines, ("cut.npz", "foreign.npz", str(tmp_path), "none.npz", "sub-P1_T1w_recon.nii.gz"), strict=True
    ):
        assert name in line
    assert out.splitlines()[-1] == f"1 scan(s) decoded, 5 not: {tmp_path / 'out'}"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["sub-P1_T1w_recon.nii.gz"]


def test_a_folder_that_cannot_be_written_to_is_a_line(codes, decode, tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    assert decode(codes, output_dir=tmp_path / "file/out") == 1
    assert "--output_dir" in capsys.readouterr().err.splitlines()[0]


def test_a_lack_of_memory_is_a_line(codes, decode, monkeypatch, capsys):
    def fail(self, path):
        raise MemoryError

    monkeypatch.setattr(ScanDecoder, "decode", fail)
    assert decode(codes) == 1
    assert "fits neither into memory nor onto the disk" in capsys.readouterr().err


def test_no_run_and_no_device_are_told_before_anything_is_tried(codes, decode, tiny_stage1, tmp_path, capsys):
    assert decode(codes, run_dir=tmp_path / "nowhere") == 2
    assert "no run in" in capsys.readouterr().err
    other = shutil.copytree(tiny_stage1, tmp_path / "run")
    (other / "checkpoints/best.pt").unlink()
    assert decode(codes, run_dir=other) == 2
    assert "no checkpoint at" in capsys.readouterr().err
    assert main([str(codes), "--run_dir", str(tiny_stage1), "--output_dir", "out", "--device", "tpu"]) == 2
    assert not (tmp_path / "out").exists()
