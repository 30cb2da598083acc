import json
import logging
import shutil

import numpy as np
import pytest

from monai_vq.decode import ScanDecoder
from monai_vq.engines.trained_model import TrainedModel
from monai_vq.errors import InputError
from monai_vq.reconstruct import storage_choice


@pytest.fixture
def decoder(tiny_stage1, tmp_path):
    return ScanDecoder(TrainedModel.read(tiny_stage1), tmp_path / "decoded")


def test_the_volumes_are_those_of_the_reconstruction_to_the_byte(reconstructed, decoder):
    for path in sorted(reconstructed.glob("*_codes.npz")):
        written = decoder.decode(path)
        assert written.read_bytes() == (reconstructed / written.name).read_bytes()


def test_where_memory_is_short_the_bytes_are_the_same_and_nothing_else_stays(reconstructed, decoder, monkeypatch):
    monkeypatch.setattr(storage_choice, "available_memory", lambda: 0)
    monkeypatch.setattr(storage_choice, "_is_in_memory", lambda folder: False)
    written = decoder.decode(reconstructed / "sub-P1_T1w_codes.npz")
    assert written.read_bytes() == (reconstructed / written.name).read_bytes()
    assert list(written.parent.iterdir()) == [written]


def test_nothing_is_written_over(reconstructed, decoder):
    path = reconstructed / "sub-P1_T1w_codes.npz"
    written = decoder.decode(path)
    written.write_bytes(b"mine")
    with pytest.raises(InputError, match=r"sub-P1_T1w_recon.nii.gz is there already; remove it, or give another"):
        decoder.decode(path)
    assert written.read_bytes() == b"mine"


def test_the_run_of_another_checkpoint_is_refused(reconstructed, tiny_stage1, run_bundle, tmp_path):
    other = TrainedModel.read(run_bundle("projected", tmp_path / "other", seed=1))
    mine = TrainedModel.read(tiny_stage1).checkpoint_sha256
    with pytest.raises(InputError, match=rf"{mine}\) than is given here \({other.checkpoint_sha256}\)"):
        ScanDecoder(other, tmp_path / "decoded").decode(reconstructed / "sub-P1_T1w_codes.npz")
    assert not (tmp_path / "decoded").exists()


def test_images_of_another_size_than_the_run_s_are_refused(reconstructed, tiny_stage1, tmp_path):
    run = shutil.copytree(tiny_stage1, tmp_path / "run")
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps(config | {"image_size": [64, 32]}))
    with pytest.raises(InputError, match=r"has images of \[32, 32\] pixels, .* of \[64, 32\]"):
        ScanDecoder(TrainedModel.read(run), tmp_path / "decoded").decode(reconstructed / "sub-P1_T1w_codes.npz")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [("precision", "fp16", "was made in fp16, which this device cannot do"), ("precision", "fp8", "cannot be decoded")],
)
def test_a_precision_that_cannot_be_is_refused(reconstructed, decoder, tmp_path, name, value, message):
    with np.load(reconstructed / "sub-P1_T1w_codes.npz") as file:
        np.savez(tmp_path / "a_codes.npz", **(dict(file) | {name: np.array(value)}))
    with pytest.raises(InputError, match=message):
        decoder.decode(tmp_path / "a_codes.npz")


def test_another_kind_of_device_is_told(reconstructed, decoder, tmp_path, caplog):
    with np.load(reconstructed / "sub-P1_T1w_codes.npz") as file:
        np.savez(tmp_path / "a_codes.npz", **(dict(file) | {"device": np.array("cuda")}))
    with caplog.at_level(logging.WARNING):
        decoder.decode(tmp_path / "a_codes.npz")
    assert "was made on cuda, not cpu: the last bits may differ" in caplog.text
