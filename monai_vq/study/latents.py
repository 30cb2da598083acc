"""What the networks of a study make of the same test slices: reconstructions, codes and gains."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from monai.data import DataLoader, Dataset
from monai.transforms import Compose
from torch import Tensor

from monai_vq.data import slice_items
from monai_vq.engines.latent_parts import codewords_of, has_gains, stored_gains
from monai_vq.engines.load_run import load_run
from monai_vq.networks import VQVAE
from monai_vq.report import PatientPicture, choose_patients, choose_slice
from monai_vq.study.peers import PeerQuantizer
from monai_vq.study.results import COMPARED_SPLIT, FinishedRun, Results
from monai_vq.transforms import FitImageSized, LoadSliced, ResampleSliced

MAX_SLICES = 256  # of the test split, evenly, for codes and gains: about 200,000 positions at 32 x 24
BATCH = 16


@dataclass(frozen=True)
class Latent:
    """One variant's latent of the test slices.

    Attributes:
        group: the variant and its grid point.
        pictures: the shown slices with its reconstructions.
        code_counts: how often each code occurs, int64 [K]; None where there are no codes.
        codewords: [K, D]; None where there are none.
        gains: all stored gains, [N]; None where there are none.
    """

    group: str
    pictures: list[PatientPicture]
    code_counts: np.ndarray | None
    codewords: np.ndarray | None
    gains: np.ndarray | None


def read_latents(results: Results) -> list[Latent]:
    """Loads the first seed of each variant and grid point and lets it reconstruct; the same slices for all."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    chosen = _choose_slices(results)
    return [_read(group, members[0], chosen, device) for group, members in results.groups.items()]


@torch.no_grad()
def _read(group: str, one: FinishedRun, chosen: pd.DataFrame, device: str) -> Latent:
    network = load_run(one.run.run_dir, device)
    config = json.loads((one.run.run_dir / "config.json").read_text(encoding="utf-8"))
    items = slice_items(one.run.dataset_dir, COMPARED_SPLIT)
    transform = Compose(
        [LoadSliced(), ResampleSliced(config.get("spacing")), FitImageSized(tuple(config["image_size"]))]
    )
    pictures = [_picture(network, transform, items, row, device) for row in chosen.to_dict("records")]
    shown = [items[i] for i in np.linspace(0, len(items) - 1, min(len(items), MAX_SLICES)).astype(int)]
    counts = torch.zeros(network.num_embeddings, dtype=torch.int64)
    gains: list[Tensor] = []
    for batch in DataLoader(Dataset(shown, transform), batch_size=BATCH):
        codes, side = network.encode_latent(batch["image"].to(device))
        counts += torch.bincount(codes.flatten().cpu(), minlength=network.num_embeddings)
        if has_gains(network):
            stored = stored_gains(network, codes, side)
            gains.append(stored[~stored.isnan()].cpu())
    return Latent(
        group,
        pictures,
        counts.numpy() if network.num_embeddings > 1 else None,
        _codewords(network),
        torch.cat(gains).numpy() if gains else None,
    )


def _choose_slices(results: Results) -> pd.DataFrame:
    """The median slice of the best, the median and the worst patient of the reference, or of the first that is there.

    Returns:
        A row a slice: ``rank, patient_id, scan_id, slice_index``.
    """
    members = next(
        (members for members in results.groups.values() if members[0].run.variant.name == results.reference),
        next(iter(results.groups.values())),
    )
    slices = pd.read_csv(members[0].run.run_dir / "report" / "ssim_slices.csv", dtype={"scan_id": str})
    patients = choose_patients(members[0].patients, COMPARED_SPLIT)
    rows = [
        {"rank": rank, "patient_id": patient, "scan_id": choice.scan_id, "slice_index": choice.slice_index}
        for rank, patient in patients.items()
        for choice in [choose_slice(slices, patient)]
    ]
    return pd.DataFrame(rows)


def _picture(
    network: VQVAE, transform: Compose, items: Sequence[dict[str, Any]], row: dict[Any, Any], device: str
) -> PatientPicture:
    item = next(i for i in items if (i["scan_id"], i["slice_index"]) == (row["scan_id"], row["slice_index"]))
    x = transform(dict(item))["image"][None].to(device)
    x_hat = network(x).x_hat.float().clamp(0, 1)
    shown = [image[0].permute(1, 2, 0).squeeze(-1).cpu().numpy() for image in (torch.as_tensor(x), x_hat)]
    return PatientPicture(split=COMPARED_SPLIT, ssim=float("nan"), x=shown[0], x_hat=shown[1], **row)


def _codewords(network: VQVAE) -> np.ndarray | None:
    if not isinstance(network.quantizer, PeerQuantizer):
        return codewords_of(network)
    codes = torch.arange(network.num_embeddings, device=next(network.parameters()).device)[None, :, None]  # [1, K, 1]
    return network.quantizer.embed(codes, codes[:, None][:, :0].float())[0, :, :, 0].T.cpu().numpy()
