"""Walks the whole way of a scan through the house, shape by shape."""

import csv
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import torch
from monai.data import DataLoader, Dataset
from monai.inferers import SimpleInferer
from monai.networks.nets.vqvae import Decoder, Encoder
from monai.transforms import Compose

from data_prep.phantom import write_phantom_bids
from data_prep.prepare import prepare_source
from monai_vq.data import read_manifest, read_splits, read_volume, slice_items, to_plane, verify_dataset
from monai_vq.data.splits import SPLIT_NAMES
from monai_vq.engines.scoring import make_baselines, score_split
from monai_vq.losses import VQVAELoss
from monai_vq.metrics import LatentFormat
from monai_vq.networks import VQVAE, check_image_size
from monai_vq.quantizers import Codebook, IdentityQuantizer, ProjectedQuantizer, VectorQuantizer
from monai_vq.report import RunScores, ScoreTables, write_tables
from monai_vq.transforms import FitImageSized, LoadSliced, ResampleSliced

PATIENTS, SLICES, VOXEL_MM = 8, 3, 6.0
FRACTIONS = (0.5, 0.25, 0.25)  # two patients in each split at least: an interval needs them
H, W, F, K, D = 48, 40, 4, 16, 8
VARIANTS = {
    "projected": (lambda: ProjectedQuantizer(Codebook(K, D, choice="direction")), 1),
    "vector": (lambda: VectorQuantizer(Codebook(K, D)), 0),
    "identity": (lambda: IdentityQuantizer(D), D),
}


@pytest.fixture(scope="module")
def walk(tmp_path_factory) -> SimpleNamespace:
    """Scans of a few phantoms, and the dataset that was prepared from them."""
    root = tmp_path_factory.mktemp("walk")
    write_phantom_bids(root / "bids", num_patients=PATIENTS, voxel_size=VOXEL_MM, progress=False)
    prepare_source(
        "bids", root / "bids", root / "prepared", num_slices=SLICES, fractions=FRACTIONS, stratify=(), progress=False
    )
    return SimpleNamespace(source=root / "bids", dataset_dir=root / "prepared", root=root)


def loader(dataset_dir, split: str) -> DataLoader:
    preprocessing = Compose([LoadSliced(), ResampleSliced(None), FitImageSized((H, W))])
    return DataLoader(Dataset(slice_items(dataset_dir, split, (H, W)), preprocessing), batch_size=4)


def network(variant: str) -> VQVAE:
    torch.manual_seed(0)
    own = {"spatial_dims": 2, "channels": [8], "num_res_layers": 1, "num_res_channels": [8], "dropout": 0.0}
    return VQVAE(
        Encoder(in_channels=1, out_channels=D, downsample_parameters=[(F, F, 1, 0)], act="RELU", **own),
        VARIANTS[variant][0](),
        Decoder(
            in_channels=D, out_channels=1, upsample_parameters=[(F, F, 1, 0, 0)], act="RELU", output_act=None, **own
        ),
    )


def test_from_scan_to_slices_on_disk(walk):
    assert verify_dataset(walk.dataset_dir) == []
    records = read_manifest(walk.dataset_dir)
    assert len({record.patient_id for record in records}) == PATIENTS
    for record in records:
        volume = read_volume(walk.source / record.source)  # [I, J, K], as stored
        assert volume.array.shape == record.shape
        assert "".join(nib.aff2axcodes(volume.affine)) == record.axes
        in_plane = to_plane(volume.array, volume.affine, record.plane)[list(record.slice_indices)]  # [S, H, W]
        stored, mask = (np.load(path(walk.dataset_dir)) for path in (record.slices_path, record.mask_path))
        assert stored.shape == mask.shape == in_plane.shape == (SLICES, *in_plane.shape[1:])
        assert (stored.dtype, mask.dtype) == (np.uint16, bool)
        low, high = record.window_low, record.window_high
        step = (high - low) / 65535
        assert np.abs(low + stored * step - in_plane.clip(low, high)).max() <= 0.51 * step


def test_from_slices_to_a_batch_of_images(walk):
    splits = read_splits(walk.dataset_dir).splits
    assert sum(map(len, splits.values())) == PATIENTS
    for split in SPLIT_NAMES:
        items = slice_items(walk.dataset_dir, split, (H, W))
        assert {item["patient_id"] for item in items} == set(splits[split])
        batches = list(loader(walk.dataset_dir, split))
        assert sum(len(batch["image"]) for batch in batches) == len(items)
        x, mask = batches[0]["image"], batches[0]["mask"]
        assert x.shape == mask.shape == (len(x), 1, H, W)
        assert x.dtype == torch.float32
        assert 0 <= x.min() < 0.1 < 0.7 < x.max() <= 1
        assert x[mask > 0].mean() > 2 * x[mask == 0].mean()  # the mask lies on the head


@pytest.mark.parametrize("variant", VARIANTS)
def test_from_images_to_latents_and_back(walk, variant):
    model, G, loss = network(variant), VARIANTS[variant][1], VQVAELoss()
    check_image_size(model, (H, W), 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    errors = []
    for _ in range(8):
        for batch in loader(walk.dataset_dir, "train"):
            optimizer.zero_grad()
            step_loss = loss(model(batch["image"]), batch["image"])
            step_loss.backward()
            optimizer.step()
            errors.append(step_loss.item())
    assert errors[-1] < 0.5 * errors[0]

    x = next(iter(loader(walk.dataset_dir, "test")))["image"]  # [B, C, H, W]
    B, h, w = len(x), H // F, W // F
    with torch.no_grad():
        z_e = model.eval().encode(x)
        z_q, codes, side, _ = model.quantizer(z_e)
        reconstruction = model(x)
    assert z_e.shape == z_q.shape == (B, D, h, w)
    assert codes.shape == (B, h, w)
    assert codes.max() < model.num_embeddings
    assert side.shape == (B, G, h, w)
    assert torch.equal(model.quantizer.embed(codes, side), z_q)
    assert reconstruction.x_hat.shape == x.shape
    assert torch.equal(model.decode_latent(codes, side), reconstruction.x_hat)


@pytest.mark.parametrize("variant", VARIANTS)
def test_from_reconstructions_to_the_report_tables(walk, variant):
    model, G = network(variant), VARIANTS[variant][1]
    loaders = {split: loader(walk.dataset_dir, split) for split in SPLIT_NAMES}
    model.train()(next(iter(loaders["train"]))["image"])
    baselines = make_baselines(loaders["train"])
    scored = {
        split: score_split(model, batches, torch.device("cpu"), SimpleInferer(), baselines)
        for split, batches in loaders.items()
    }
    latent = LatentFormat((H // F, W // F), (H, W), model.num_embeddings, G)
    rows = pd.concat([s.model.assign(split=split) for split, s in scored.items()])
    counts = {split: s.code_counts for split, s in scored.items() if s.code_counts is not None}
    for split, count in counts.items():
        assert count.sum() == len(scored[split].model) * (H // F) * (W // F)
    tables = ScoreTables.of_model(RunScores(rows, latent, counts))

    splits = read_splits(walk.dataset_dir)
    assert len(tables.slices) == SLICES * len(read_manifest(walk.dataset_dir))
    assert tables.patients.groupby("split")["patient_id"].apply(sorted).to_dict() == splits.splits
    assert tables.splits["split"].tolist() == list(SPLIT_NAMES)
    assert tables.splits["n_patients"].tolist() == [len(splits.splits[split]) for split in SPLIT_NAMES]
    assert tables.splits["n_slices"].sum() == len(tables.slices)
    bits = np.log2(model.num_embeddings) + 32 * G
    assert tables.splits["bits_per_pixel"].tolist() == pytest.approx([bits / F**2] * 3)
    for split in SPLIT_NAMES:
        means = tables.slices[tables.slices["split"] == split].groupby("patient_id")["ssim"].mean()
        row = tables.splits.set_index("split").loc[split]
        assert row["ssim"] == pytest.approx(means.mean())
        assert row["ssim_low"] <= row["ssim"] <= row["ssim_high"]
    paths = write_tables(walk.root / f"report_{variant}", tables.slices, tables.patients, tables.splits)
    with paths[0].open(newline="") as file:
        assert [row["patient_id"] for row in csv.DictReader(file)] == tables.slices["patient_id"].tolist()


def test_a_slice_is_scored_against_itself_as_perfect(walk):
    """The scores of a whole split follow the images: an x_hat equal to x has SSIM 1 in every row."""
    scored = score_split(
        network("vector"),
        loader(walk.dataset_dir, "val"),
        torch.device("cpu"),
        SimpleInferer(),
        {"itself": lambda x: x},
    )
    itself, model = scored.baselines["itself"], scored.model
    assert np.allclose(itself[["ssim", "ssim_foreground"]], 1)
    assert (itself["mse"] == 0).all()
    assert (model["ssim"] < 0.9).all()
    assert (model[["scan_id", "slice_index"]] == itself[["scan_id", "slice_index"]]).all(axis=None)
