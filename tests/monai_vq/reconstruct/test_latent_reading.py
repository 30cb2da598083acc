import zipfile

import numpy as np
import pytest
import torch

from monai_vq.errors import InputError
from monai_vq.reconstruct import latent_reading
from monai_vq.reconstruct.latent_reading import read_latent


@pytest.fixture
def latent(tmp_path, write_head, through_model, make_network):
    """A latent file with its network."""
    network = make_network("projected, 4 bits")
    _, files = through_model(write_head(tmp_path / "head.nii.gz"), network)
    return files.codes, network


@pytest.fixture
def changed(latent):
    """Writes the latent with some arrays changed."""
    path, network = latent

    def change(**arrays):
        with np.load(path) as file:
            stored = dict(file) | {name: np.asarray(value) for name, value in arrays.items()}
        np.savez_compressed(path, **{name: value for name, value in stored.items() if value.dtype != object})
        return path, network

    return change


def test_another_checkpoint_is_refused_with_both_hashes(latent):
    path, network = latent
    with pytest.raises(
        InputError, match=r"sha256 0{64}\) than is given here \(1{64}\).*give the --run_dir that made it"
    ):
        read_latent(path, network, "1" * 64)
    assert read_latent(path, network, "0" * 64).scan_id == "head"


@pytest.mark.parametrize("damage", ["missing", "folder", "cut", "another", "flipped", "text", "empty"])
def test_a_file_of_another_kind_is_one_line(latent, tmp_path, damage):
    path, network = latent
    if damage == "missing":
        path = tmp_path / "none.npz"
    elif damage == "folder":
        path = tmp_path
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-200])
    elif damage == "flipped":
        with zipfile.ZipFile(path) as file:
            start = file.getinfo("codes.npy").header_offset
        content = bytearray(path.read_bytes())
        name, extra = (int.from_bytes(content[start + place : start + place + 2], "little") for place in (26, 28))
        content[start + 30 + name + extra] = 0b111  # of the deflated stream: a block of a type that there is not
        path.write_bytes(content)
    elif damage == "another":
        np.savez(path, codes=np.zeros((1, 2, 2), np.uint8))
    else:
        path.write_bytes(b"not an archive" if damage == "text" else b"")
    with pytest.raises(InputError, match=r"^[^\n]*cannot be read as a scan's latent[^\n]*$"):
        read_latent(path, network)


def test_any_flipped_byte_is_refused_in_a_line_or_changes_nothing(latent):
    path, network = latent
    rng, content, refused = np.random.default_rng(0), path.read_bytes(), []
    whole = read_latent(path, network).latent
    for place in rng.integers(len(content), size=200):
        damaged = bytearray(content)
        damaged[place] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        try:
            found = read_latent(path, network).latent
        except InputError as error:
            refused.append(str(error))
        else:
            assert torch.equal(found.codes, whole.codes)
            assert torch.equal(found.side, whole.side)
    assert len(refused) > 100
    assert not any("\n" in line for line in refused)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"scan_id": "../../evil"}, r"its scan_id is '../../evil'"),
        ({"scan_id": ""}, "its scan_id is ''"),
        ({"scan_id": "a/b"}, "its scan_id is 'a/b'"),
        ({"shape": [1 << 40, 1 << 40, 1 << 40]}, r"its volume is of \[1099511627776"),
        ({"shape": [32767, 32767, 32767]}, r"its volume is of \[32767, 32767, 32767\] voxels"),
        ({"shape": [24, 28, 21]}, "its volume is of .* voxels, its source of"),
        ({"shape": [25, 28, 20]}, "its slices are of .* in the volume, by themselves"),
        ({"shape": [-24, -28, 20]}, "its volume is of"),
        ({"shape": np.array([24.0, 28, 20])}, "shape is float64"),
        ({"image_size": [1 << 40, 1 << 40]}, "its images of 1099511627776"),
        ({"image_size": [0, 32]}, "its images of 0 x 32"),
        ({"own_size": [28, 1 << 50]}, "its slices are of 28 x 1125899906842624 pixels"),
        ({"spacing": [1e-9, 1e-9]}, "are resampled to"),
        ({"spacing": [0.0, 1.0]}, "its pixels have no size"),
        ({"slice_spacing": [float("nan"), 1.0]}, "its pixels have no size"),
        ({"slice_indices": np.array([5, 4, 6])}, "one behind another"),
        ({"slice_indices": np.array([-1, 4, 6])}, "one behind another"),
        ({"slice_indices": np.array([1, 4, 600])}, "one behind another"),
        ({"slice_indices": np.array([], np.int64)}, "one behind another"),
        ({"slice_indices": np.array([4, 5])}, "codes is uint8"),
        ({"affine": np.zeros((4, 4))}, "its slices lie nowhere"),
        ({"affine": np.full((4, 4), np.nan)}, "its slices lie nowhere"),
        ({"plane": "diagonal"}, "its slices lie nowhere"),
        ({"window": [1.0, 1.0]}, "its window is"),
        ({"window": [0.0, float("inf")]}, "its window is"),
        ({"window": [float("nan"), 1.0]}, "its window is"),
        ({"window": [-1e308, 1e308]}, "its window is"),
        ({"batch_size": 0}, "its batch_size 0"),
        ({"batch_size": 1 << 40}, "its batch_size"),
        ({"codes": np.zeros((3, 8), np.uint8)}, r"unpack|expected"),
        ({"codes": np.zeros((3, 400, 400), np.uint8)}, "its codes are 400 x 400 for images of"),
        ({"codes": np.array([{}], dtype=object)}, "it lacks 'codes'"),
        ({"gain_levels": np.zeros((1, 300), np.float32)}, "gain_levels is float32"),
        ({"gain_indices": np.zeros((2, 1, 8, 8), np.uint8)}, "gain_indices is uint8"),
        ({"geometry": np.zeros(3)}, "its geometry is of another form"),
        ({"data_shape": [24, 28, 20, 7]}, r"its source of \[24, 28, 20, 7\]"),
        ({"data_shape": [24, 28]}, r"its source of \[24, 28\]"),
        ({"device": np.zeros(3)}, "device is float64"),
    ],
)
def test_what_does_not_fit_together_is_refused_before_it_takes_memory(changed, arrays, message):
    path, network = changed(**arrays)
    with pytest.raises(InputError, match=message):
        read_latent(path, network)


def test_codes_and_gains_that_the_model_does_not_have_are_refused(changed, latent):
    with np.load(latent[0]) as file:
        codes, gains = file["codes"], file["gain_indices"]
    path, network = changed(codes=np.full_like(codes, 200))
    with pytest.raises(InputError, match="it has code 200, expected less than 16"):
        read_latent(path, network)
    path, network = changed(codes=codes, gain_indices=np.full_like(gains, 16))
    with pytest.raises(InputError, match="it has gain 16, expected less than 16"):
        read_latent(path, network)


def test_a_latent_that_does_not_fit_into_memory_is_refused(latent, monkeypatch):
    monkeypatch.setattr(latent_reading, "available_memory", lambda: 100)
    with pytest.raises(InputError, match=r"codes has .* bytes, expected at most 25"):
        read_latent(*latent)
