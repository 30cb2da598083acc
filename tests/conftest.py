import gzip
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.bundle import run as run_monai_bundle
from monai.engines import SupervisedTrainer
from monai.utils import set_determinism
from PIL import Image

from data_prep.prepare import prepare_source
from monai_vq.handlers import RunCheckpoints

REPOSITORY = Path(__file__).parents[1]
SHAPE, VOXEL_MM = (20, 24, 12), 8.0
HEAD_SHAPE = (24, 28, 20)  # right, anterior, superior
HEAD_VOXEL_MM = 8.0
HEAD_GRID = np.moveaxis(np.indices(HEAD_SHAPE), 0, -1)
SIZES = {"channels": [8, 8], "num_res_layers": 1, "num_res_channels": [8, 8], "dropout": 0.0, "act": "RELU"}
TINY = {  # settings under which a bundle trains in about a second, as far as it has them
    "image_size": [32, 32],
    "num_embeddings": 8,
    "embedding_dim": 8,
    "num_frequent": 4,
    "warmup_epochs": 1,
    "latent_size": 4,
    "network_def#channels": [8, 8, 8, 8],
    "batch_size": 4,
    "max_epochs": 2,
    "val_interval": 2,
    "device": "cpu",
    "precision": "fp32",
    "network_def#encoder": {
        "_target_": "monai.networks.nets.vqvae.Encoder",
        "spatial_dims": 2,
        "in_channels": 1,
        "out_channels": "@embedding_dim",
        "downsample_parameters": [[2, 4, 1, 1], [2, 4, 1, 1]],
        **SIZES,
    },
    "network_def#decoder": {
        "_target_": "monai.networks.nets.vqvae.Decoder",
        "spatial_dims": 2,
        "in_channels": "@embedding_dim",
        "out_channels": 1,
        "upsample_parameters": [[2, 4, 1, 1, 0], [2, 4, 1, 1, 0]],
        "output_act": None,
        **SIZES,
    },
}
TINY_PRIOR = {  # the same for a prior
    "prior_dim": 16,
    "num_layers": 2,
    "num_heads": 2,
    "batch_size": 4,
    "learning_rate": 0.01,
    "max_epochs": 2,
    "val_interval": 1,
    "sample_interval": 2,
    "device": "cpu",
    "precision": "fp32",
}


def pytest_make_parametrize_id(val: object) -> str | None:
    """Names bytes by their number: a gzip stream holds the second in which it was made, and processes must agree."""
    return f"{len(val)}-bytes" if isinstance(val, bytes) else None


def write_blob(path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    grid = np.moveaxis(np.indices(SHAPE), 0, -1)
    head = np.linalg.norm((grid - (10, 12, 6)) / (7, 9, 5.5), axis=-1) < 1
    spots = np.kron(rng.uniform(300, 900, (5, 6, 3)), np.ones((4, 4, 4)))
    volume = np.where(head, spots, 0) + rng.uniform(0, 15, SHAPE)
    path.parent.mkdir(parents=True)
    nib.save(nib.Nifti1Image(volume.astype(np.float32), np.diag([VOXEL_MM] * 3 + [1.0])), path)


def draw_head(seed: int) -> np.ndarray:
    """A head to be told from its mirror images: a bright spot at its left, a nose in front, a narrow neck below."""
    rng = np.random.default_rng(seed)
    radii = np.array([7, 9, 6]) + rng.uniform(-0.5, 0.5, 3)
    head = np.linalg.norm((HEAD_GRID - (12, 13, 12)) / radii, axis=-1) < 1
    neck = (
        (np.linalg.norm(HEAD_GRID[..., :2] - (12, 11), axis=-1) < 4) & (HEAD_GRID[..., 2] < 9) & (HEAD_GRID[..., 2] > 1)
    )
    volume = np.where(head | neck, 600.0, 0.0)
    volume[11:14, 21:24, 10:12] = 500  # nose
    volume[7:9, 12:15, 13:15] = 950  # left
    return np.maximum(volume + rng.normal(0, 15, HEAD_SHAPE), 0).astype(np.float32)


@pytest.fixture
def write_head() -> Callable[..., Path]:
    """Writes a head as NIfTI with a true affine, stored along any axes."""

    def write(path: Path, seed: int = 0, axes: str = "RAS") -> Path:
        image = nib.Nifti1Image(draw_head(seed), np.diag([HEAD_VOXEL_MM] * 3 + [1.0]))
        transform = nib.orientations.ornt_transform(
            nib.io_orientation(image.affine), nib.orientations.axcodes2ornt(tuple(axes))
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        nib.save(image.as_reoriented(transform), path)
        return path

    return write


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Tiny networks wait longer for a second thread than they compute."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared dataset of six patients: four to train on, one to validate, one to test; slices of 24 x 20 pixels."""
    root = tmp_path_factory.mktemp("tiny")
    for index in range(6):
        write_blob(root / f"bids/sub-P{index}/anat/sub-P{index}_T1w.nii.gz", index)
    prepare_source("bids", root / "bids", root / "prepared", slice_range=(0.3, 0.7), num_slices=4, progress=False)
    return root / "prepared"


@pytest.fixture(scope="session")
def write_png_slices() -> Callable[..., None]:
    """Writes the slices of a case, or their segmentations, under the names that keras_png_slices_data gives them."""

    def write(
        folder: Path, case: int, slices: Sequence[np.ndarray], kind: str = "case", suffix: str = ".nii.png"
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for number, pixels in enumerate(slices):
            Image.fromarray(pixels).save(folder / f"{kind}_{case:03d}_slice_{number}{suffix}")

    return write


@pytest.fixture(scope="session")
def write_mnist() -> Callable[..., Path]:
    """Writes the idx files of images and labels, given by the prefix of their names; packed if they end in .gz."""

    def write(
        folder: Path, digits: Mapping[str, tuple[np.ndarray, np.ndarray]], pattern: str = "{}-{}-idx{}-ubyte.gz"
    ) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for prefix, arrays in digits.items():
            for kind, array in zip(("images", "labels"), arrays, strict=True):
                path = folder / pattern.format(prefix, kind, array.ndim)
                sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
                content = bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()
                path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
        return folder

    return write


@pytest.fixture(scope="session")
def run_bundle(tiny_dataset: Path) -> Callable[..., Path]:
    """Runs a bundle on the tiny dataset as its command line would, and returns the run's folder."""

    def run(variant: str, output_dir: Path, **overrides: Any) -> Path:
        config_file = REPOSITORY / f"bundles/{variant}.json"
        bundle = json.loads(config_file.read_text())
        known = bundle.keys() | {f"network_def#{name}" for name in bundle["network_def"]}
        tiny = {name: value for name, value in TINY.items() if name in known}
        settings = deepcopy(tiny | {"dataset_dir": str(tiny_dataset), "output_dir": str(output_dir)} | overrides)
        os.chdir(REPOSITORY)  # a bundle names common.json from there
        run_monai_bundle(config_file=str(config_file), logging_file=False, **settings)
        return output_dir

    return run


@pytest.fixture(scope="session")
def run_prior() -> Callable[..., Path]:
    """Runs the bundle of a prior as its command line would, and returns the run's folder."""

    def run(bundle: str, stage1_dir: Path, output_dir: Path, **overrides: Any) -> Path:
        config_file = REPOSITORY / f"bundles/{bundle}.json"
        tiny = {name: value for name, value in TINY_PRIOR.items() if name in json.loads(config_file.read_text())}
        settings = deepcopy(tiny | {"stage1_dir": str(stage1_dir), "output_dir": str(output_dir)} | overrides)
        os.chdir(REPOSITORY)
        run_monai_bundle(config_file=str(config_file), logging_file=False, **settings)
        return output_dir

    return run


@pytest.fixture(scope="session")
def tiny_stage1(run_bundle: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A projected run of two epochs: codes on grids of 8 x 8, K 8, gains that are not rounded."""
    return run_bundle("projected", tmp_path_factory.mktemp("stage1") / "projected")


@pytest.fixture(scope="session")
def tiny_prior(run_prior: Callable[..., Path], tiny_stage1: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A transformer of two epochs over the latents of `tiny_stage1`, with the slice's position as condition."""
    return run_prior(
        "transformer", tiny_stage1, tmp_path_factory.mktemp("priors") / "transformer", conditions=["slice_position"]
    )


@pytest.fixture
def kill_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], AbstractContextManager[None]]:
    """Kills the run within it as soon as the checkpoint of an epoch is written; what runs behind it lives."""
    real = RunCheckpoints.save

    @contextmanager
    def kill(epoch: int) -> Iterator[None]:
        def save(self: RunCheckpoints, engine: SupervisedTrainer) -> None:
            real(self, engine)
            if engine.state.epoch == epoch:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(RunCheckpoints, "save", save)
            with pytest.raises(KeyboardInterrupt):
                yield

    return kill


@pytest.fixture(autouse=True)
def _leave_torch_as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Undoes what a run sets for its whole process."""
    monkeypatch.chdir(REPOSITORY)
    backends = torch.backends.cudnn
    before = backends.deterministic, backends.benchmark
    yield
    set_determinism(None, use_deterministic_algorithms=False)
    backends.deterministic, backends.benchmark = before
