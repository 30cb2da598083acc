import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import multiprocessing

from monai_vq.quantizers import Codebook
from monai_vq.quantizers.ranks import broadcast_from_first_rank, sum_over_ranks

RANKS, K, D, STEPS, LIMIT_S = 2, 8, 4, 4, 60
VARIANTS = [(update, choice) for update in ("ema", "gradient") for choice in ("nearest", "direction")]

needs_gloo = pytest.mark.skipif(
    not (dist.is_available() and dist.is_gloo_available()), reason="this build of torch has no gloo backend"
)


def batch(rank: int, number: int, size: int = 30) -> torch.Tensor:
    return torch.randn(size, D, generator=torch.Generator().manual_seed(100 * rank + number))


def train_codebooks(rank: int, folder: str) -> None:
    """One rank: its own data, its own random numbers, and the states it arrives at."""
    torch.set_num_threads(1)
    rendezvous = dist.FileStore(str(Path(folder) / "rendezvous"), RANKS)
    dist.init_process_group("gloo", store=rendezvous, rank=rank, world_size=RANKS, timeout=timedelta(seconds=LIMIT_S))
    states = {}
    for update, choice in VARIANTS:
        torch.manual_seed(0)
        codebook = Codebook(K, D, update, choice)
        torch.manual_seed(rank + 1)
        for number in range(STEPS):
            z = batch(rank, number, size=30 + rank)  # a last batch need not be equally long
            codebook.initialize_from(z)
            states[f"{update} {choice} chosen from {number}"] = {"embedding": codebook.embedding.detach().clone()}
            codes = codebook.choose(z)
            if number == STEPS - 1:  # two codes die, so this step revives them
                codebook.cluster_size[:2], codes = 1e-6, codes.clamp_min(2)
            codebook.learn(z, codes)
            learned = {name: value.detach().clone() for name, value in codebook.state_dict().items()}
            states[f"{update} {choice} after {number}"] = learned
    torch.save(states, Path(folder) / f"{rank}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def states():
    """The states of both ranks, by moment."""
    with tempfile.TemporaryDirectory() as folder:
        context = multiprocessing.spawn(train_codebooks, (folder,), nprocs=RANKS, join=False)
        try:
            for _ in range(RANKS):
                context.join(timeout=2 * LIMIT_S)
        finally:
            for process in context.processes:
                process.kill()
        return [torch.load(Path(folder) / f"{rank}.pt") for rank in range(RANKS)]


@needs_gloo
def test_codebooks_are_equal_to_the_bit_on_every_rank(states):
    first, second = states
    assert len(first) == len(VARIANTS) * 2 * STEPS
    for moment, state in first.items():
        assert all(torch.equal(value, second[moment][name]) for name, value in state.items()), moment


@needs_gloo
def test_codewords_start_on_and_revive_to_vectors_of_the_first_rank(states):
    for moment, number, codes in (("chosen from 0", 0, slice(None)), (f"after {STEPS - 1}", STEPS - 1, slice(2))):
        codewords = states[1][f"ema nearest {moment}"]["embedding"][codes]
        assert (codewords[:, None] == batch(0, number)).all(dim=-1).any(dim=-1).all()


@needs_gloo
def test_the_averages_hold_the_vectors_of_all_ranks(states):
    start = states[0]["ema nearest chosen from 0"]["embedding"]
    z = torch.cat([batch(0, 0), batch(1, 0, size=31)])
    counts = torch.bincount(torch.cdist(z, start).argmin(dim=1), minlength=K)
    expected = 0.99 * torch.ones(K) + 0.01 * counts
    torch.testing.assert_close(states[1]["ema nearest after 0"]["cluster_size"], expected)


def test_one_process_keeps_what_it_has():
    value = torch.randn(3)
    assert torch.equal(sum_over_ranks(value.clone()), value)
    assert torch.equal(broadcast_from_first_rank(value.clone()), value)
