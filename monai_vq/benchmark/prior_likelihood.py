"""Bits per code on held-out patients: a finished prior against MONAI's transformer, trained by its inferer as long."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import torch.nn.functional as F
from ignite.engine import Engine, Events
from monai.inferers import VQVAETransformerInferer
from monai.networks.nets import DecoderOnlyTransformer
from monai.utils.ordering import Ordering
from torch import Tensor
from torch.utils.data import DataLoader, DistributedSampler
from tqdm import tqdm

from monai_vq.benchmark.sampling_speed import DIM, HEADS, LAYERS, CodesAlone
from monai_vq.engines import PriorData, load_prior
from monai_vq.handlers import TrainingBudget

MAX_NORM, BETAS = 1.0, (0.9, 0.95)  # of the bundles' gradient clip and optimizer


class MonaiPrior:
    """MONAI's ``DecoderOnlyTransformer`` over the codes of a dataset.

    Args:
        K: number of codes.
        grid_size: (h, w).
        sizes: ``attn_layers_dim``, ``attn_layers_depth`` and ``attn_layers_heads``.
        device: where to train.
    """

    def __init__(self, K: int, grid_size: tuple[int, int], sizes: dict[str, int], device: torch.device | str) -> None:
        h, w = grid_size
        # With its option for fused attention; without it the same numbers take several times as long.
        self.network = DecoderOnlyTransformer(K + 1, h * w, use_flash_attention=True, **sizes).to(device)
        self.codes, self.inferer = CodesAlone(K), VQVAETransformerInferer()
        self.ordering = Ordering("raster_scan", spatial_dims=2, dimensions=(1, h, w))

    def bits(self, codes: Tensor) -> Tensor:
        """Returns −log2 p of codes [B, h, w] in the order of the sequence, [B, h·w]."""
        logits = self.inferer(codes, self.codes, self.network, self.ordering)
        target = codes.flatten(1)[:, self.ordering.get_sequence_ordering().copy()]
        nats = F.cross_entropy(logits.float().flatten(0, 1), target.flatten(), reduction="none")
        return nats.view_as(target) / torch.log(torch.tensor(2.0))


def compare_likelihood(run_dir: str | Path, device: str) -> pd.DataFrame:
    """Trains MONAI's transformer on the codes of a prior's run, with its steps, batches, optimizer and precision.

    Both keep their best validation. The peer models codes alone, without conditions and gains, as MONAI's does.

    Args:
        run_dir: of a finished prior.
        device: where to train.

    Returns:
        A row a model: ``model``, and mean bits a code over the patients of ``val`` and ``test``.

    Raises:
        InputError: if the folder is no prior's run.
    """
    run = load_prior(run_dir, device)
    config = json.loads((Path(run_dir) / "config.json").read_text(encoding="utf-8"))
    data = PriorData(
        run.stage1, run.dataset_dir, Path(run_dir) / "latents", run.fields.names, config["gain_bits"], device=device
    )
    peer = _train_peer(run_dir, config, data, device)
    theirs = {split: _by_patient(peer, data, split, config, device) for split in ("val", "test")}
    return pd.concat([_stored_rows(Path(run_dir)), pd.DataFrame([{"model": "MONAI transformer"} | theirs])])


def _train_peer(run_dir: str | Path, config: dict[str, Any], data: PriorData, device: str) -> MonaiPrior:
    torch.manual_seed(config["seed"])
    peer = MonaiPrior(data.alphabet.num_embeddings, data.grid_size, _sizes(config), device)
    optimizer = torch.optim.AdamW(peer.network.parameters(), config["learning_rate"], BETAS, weight_decay=0.0)
    best: dict[str, Any] = {"bits": float("inf")}

    def step(engine: Engine, codes: Tensor) -> float:
        peer.network.train()
        with _autocast(config, device):
            loss = peer.bits(codes.to(device)).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(peer.network.parameters(), MAX_NORM)
        optimizer.step()
        return loss.item()

    def validate(engine: Engine) -> None:
        bits = _by_patient(peer, data, "val", config, device)
        print(f"MONAI transformer, epoch {engine.state.epoch}: validation {bits:.3f} bits/code", file=sys.stderr)
        if bits < best["bits"]:
            best.update(bits=bits, state={name: value.clone() for name, value in peer.network.state_dict().items()})

    trainer = Engine(step)
    TrainingBudget(optimizer).attach(trainer)
    last = _epochs(run_dir)
    when = Events.EPOCH_COMPLETED(
        event_filter=lambda engine, epoch: epoch % config["val_interval"] == 0 or epoch == last
    )
    trainer.add_event_handler(when, validate)
    sampler, batches = _batches(data, config)
    trainer.add_event_handler(Events.EPOCH_STARTED, lambda engine: sampler.set_epoch(engine.state.epoch))
    trainer.run(batches, max_epochs=last)
    peer.network.load_state_dict(best["state"])
    return peer


def _sizes(config: dict[str, Any]) -> dict[str, int]:
    """The sizes of the run's own transformer; those of the bundle for a PixelCNN's run."""
    sizes = {"dim": DIM, "depth": LAYERS, "heads": HEADS}
    if "num_heads" in config:
        sizes = {"dim": config["prior_dim"], "depth": config["num_layers"], "heads": config["num_heads"]}
    return {f"attn_layers_{name}": size for name, size in sizes.items()}


def _epochs(run_dir: str | Path) -> int:
    return int(pd.read_csv(Path(run_dir) / "metrics.csv")["epoch"].max())


def _batches(data: PriorData, config: dict[str, Any]) -> tuple[DistributedSampler, DataLoader]:
    """The run's sampler, and its batches of codes."""
    codes = torch.from_numpy(data.latents("train").codes.astype("int64"))
    sampler: DistributedSampler = DistributedSampler(codes, num_replicas=1, rank=0, seed=config["seed"])  # type: ignore[arg-type]
    return sampler, DataLoader(codes, config["batch_size"], sampler=sampler)  # type: ignore[arg-type]


@torch.no_grad()
def _by_patient(peer: MonaiPrior, data: PriorData, split: str, config: dict[str, Any], device: str) -> float:
    """Mean over patients of the bits a code."""
    peer.network.eval()
    items = data.items(split)
    codes = torch.stack([torch.from_numpy(item["codes"].astype("int64")) for item in items])
    bits: list[float] = []
    for batch in tqdm(codes.split(config["batch_size"]), desc=split, disable=not sys.stderr.isatty()):
        with _autocast(config, device):
            bits += peer.bits(batch.to(device)).mean(dim=1).tolist()
    return float(pd.Series(bits).groupby([item["patient_id"] for item in items]).mean().mean())


def _autocast(config: dict[str, Any], device: str) -> torch.autocast:
    return torch.autocast(torch.device(device).type, torch.bfloat16, enabled=config["precision"] == "bf16")


def _stored_rows(run_dir: Path) -> pd.DataFrame:
    """The rows of the run's own report."""
    table = pd.read_csv(run_dir / "report" / "prior_splits.csv")
    return table.pivot(index="model", columns="split", values="bits_per_code")[["val", "test"]].reset_index()


def lines(table: pd.DataFrame) -> Iterator[str]:
    """Yields the table as text, best first."""
    yield f"{'model':20} {'val':>8} {'test':>8}  bits/code, mean over patients"
    for row in table.sort_values("test").to_dict("records"):
        yield f"{row['model']:20} {row['val']:8.3f} {row['test']:8.3f}"
