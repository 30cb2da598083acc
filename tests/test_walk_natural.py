"""Walks the way of natural images: an archive as downloaded, prepared, trained on for two steps, and reported."""

import io
import json
import tarfile
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from skimage.metrics import structural_similarity

from data_prep.prepare import prepare_source
from monai_vq.data import read_manifest, read_splits, slice_items, verify_dataset
from monai_vq.data.splits import SPLIT_NAMES
from monai_vq.transforms import LoadSliced

VAL_FRACTION = 0.25
COUNTS = {"train": 38, "val": 12, "test": 20}  # images; a quarter of 25 a class is 6


def draw(seed: int, side: int = 32) -> np.ndarray:
    """A smooth colour image, [side, side, 3]."""
    small = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return np.array(Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC))


def write_cifar10(root: Path) -> Path:
    """cifar-10-binary.tar.gz of ten images a training batch and twenty to test; classes airplane and automobile."""
    batches = {f"data_batch_{number}.bin": range(10 * number, 10 * number + 10) for number in range(1, 6)}
    batches["test_batch.bin"] = range(100, 120)
    with tarfile.open(root / "cifar-10-binary.tar.gz", "w:gz") as archive:
        for name, seeds in batches.items():
            content = b"".join(bytes([seed % 2]) + draw(seed).transpose(2, 0, 1).tobytes() for seed in seeds)
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return root


def write_image_folder(root: Path) -> Path:
    """ImageNet of two classes: 25 pictures each to train on, 10 each as val; grey, RGBA, CMYK and turned ones too."""
    exif = Image.Exif()
    exif[0x0112] = 6
    for split, first, count in (("train", 0, 25), ("val", 100, 10)):
        for place, name in enumerate(("n01440764", "n02102040")):
            folder = root / split / name
            folder.mkdir(parents=True)
            images = [Image.fromarray(draw(first + 50 * place + number)) for number in range(count)]
            for number, image in enumerate(images[3:]):
                image.resize((60, 40)).save(folder / f"{number}.JPEG", exif=exif if number == 0 else Image.Exif())
            images[0].convert("L").save(folder / "grey.png")
            images[1].convert("RGBA").save(folder / "opaque.png")
            images[2].convert("CMYK").save(folder / "cmyk.jpg")
    return root


def draw_digits() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Fifty grey images of classes 0 and 1 to train on and twenty to test, by the prefix of MNIST's files."""
    seeds = {"train": range(50), "t10k": range(100, 120)}
    return {
        prefix: (np.stack([draw(seed, 28)[..., 0] for seed in own]), np.array(own, np.uint8) % 2)
        for prefix, own in seeds.items()
    }


# name: (source, its options, side and channels of its images)
ARCHIVES: dict[str, tuple[str, dict[str, Any], int, int]] = {
    "cifar10": ("cifar10", {}, 32, 3),
    "image_folder": ("image_folder", {"size": 32}, 32, 3),
    "mnist": ("mnist", {}, 28, 1),
    "mnist_unpacked": ("mnist", {}, 28, 1),
}


@pytest.fixture(scope="module", params=ARCHIVES)
def walk(request, tmp_path_factory, run_bundle, write_mnist) -> SimpleNamespace:
    """A prepared archive, and a run of one epoch of two steps on it."""
    writers = {
        "cifar10": write_cifar10,
        "image_folder": write_image_folder,
        "mnist": partial(write_mnist, digits=draw_digits()),
        "mnist_unpacked": partial(write_mnist, digits=draw_digits(), pattern="{}-{}-idx{}-ubyte"),
    }
    source, own, side, channels = ARCHIVES[request.param]
    root = tmp_path_factory.mktemp(request.param)
    prepared = root / "prepared"
    (root / "source").mkdir()
    own = own | {"val_fraction": VAL_FRACTION}
    prepare_source(source, writers[request.param](root / "source"), prepared, own, progress=False)
    settings = {
        "image_size": [side, side],
        "in_channels": channels,
        "batch_size": 32,
        "max_epochs": 1,
        "val_interval": 1,
    }
    network = {"network_def#encoder#in_channels": channels, "network_def#decoder#out_channels": channels}
    run = run_bundle("projected", root / "run", dataset_dir=str(prepared), **settings, **network)
    return SimpleNamespace(dataset_dir=prepared, run_dir=run, side=side, channels=channels)


def read_table(walk: SimpleNamespace, level: str) -> pd.DataFrame:
    return pd.read_csv(walk.run_dir / f"report/ssim_{level}.csv")


def test_the_prepared_images_are_whole_and_a_unit_each(walk):
    assert verify_dataset(walk.dataset_dir) == []
    splits = read_splits(walk.dataset_dir)
    assert splits.unit == "image"
    stored = (walk.side, walk.side, 3) if walk.channels == 3 else (walk.side, walk.side)
    assert {np.load(r.slices_path(walk.dataset_dir)).shape[1:] for r in read_manifest(walk.dataset_dir)} == {stored}
    for split in SPLIT_NAMES:
        items = slice_items(walk.dataset_dir, split, (walk.side, walk.side))
        assert len({item["patient_id"] for item in items}) == len(items) == COUNTS[split]
        images = [LoadSliced()(item) for item in items]
        assert {tuple(item["image"].shape) for item in images} == {(walk.channels, walk.side, walk.side)}
        assert all(item["mask"].all() for item in images)


def test_no_image_is_in_two_splits(walk):
    items = [item for split in SPLIT_NAMES for item in slice_items(walk.dataset_dir, split)]
    assert len({LoadSliced()(item)["image"].numpy().tobytes() for item in items}) == len(items)


def test_two_steps_lead_to_a_score_of_every_image(walk):
    assert pd.read_csv(walk.run_dir / "metrics.csv")["iteration"].tolist() == [2]
    patients = read_table(walk, "patients")
    for split in SPLIT_NAMES:
        expected = {item["patient_id"] for item in slice_items(walk.dataset_dir, split)}
        assert set(patients.loc[patients["split"] == split, "patient_id"]) == expected
    assert (patients["n_slices"] == 1).all()
    assert patients["ssim"].between(-1, 1).all()
    assert (patients["ssim"] != patients["ssim_foreground"]).any()  # the mask reaches to the border, SSIM does not
    assert read_table(walk, "splits").set_index("split")["n_patients"].to_dict() == COUNTS


def test_the_baselines_scores_are_scikit_images_over_all_channels(walk):
    images = {
        split: [LoadSliced()(item)["image"].numpy() for item in slice_items(walk.dataset_dir, split)]
        for split in SPLIT_NAMES
    }
    mean = np.mean(images["train"], axis=0)
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1}
    scores = [structural_similarity(image, mean, channel_axis=0, **settings) for image in images["test"]]
    rows = read_table(walk, "baselines").query("reconstruction == 'mean training image' and split == 'test'")
    assert rows["ssim"].item() == pytest.approx(np.mean(scores), abs=1e-4)


def test_the_page_speaks_of_images(walk):
    page = (walk.run_dir / "report/index.html").read_text(encoding="utf-8")
    assert "70 images,\nsplit by image" in page
    assert "Best, median, worst and drawn images of the test split" in page
    assert json.loads((walk.run_dir / "config.json").read_text())["in_channels"] == walk.channels


def test_images_are_refused_by_a_network_of_other_channels(walk, run_bundle, tmp_path):
    other, kind = (1, "colour") if walk.channels == 3 else (3, "grey")
    with pytest.raises(
        SystemExit, match=rf"--in_channels {other}: the images of .* are {kind}; use --in_channels {walk.channels}"
    ):
        run_bundle("projected", tmp_path / "run", dataset_dir=str(walk.dataset_dir), in_channels=other)
    assert not (tmp_path / "run").exists()
