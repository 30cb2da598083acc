import os
from pathlib import Path

import ignite.distributed as idist
import pytest
import torch
import torch.multiprocessing as mp
from monai.networks.nets.vqvae import Decoder, Encoder

from monai_vq.engines import multi_gpu
from monai_vq.errors import InputError
from monai_vq.losses import VQVAELoss
from monai_vq.networks import VQVAE
from monai_vq.quantizers import Codebook, HybridQuantizer, ProjectedQuantizer

PATIENCE = 120  # seconds, of a loaded machine
STEPS, SHARE = 3, 4  # images of a process in a step
SIZES = {"channels": (4, 8), "num_res_layers": 1, "num_res_channels": (4, 8), "dropout": 0.0, "act": "RELU"}
QUANTIZERS = {  # without revival, which draws from the first process's vectors
    "projected": lambda: ProjectedQuantizer(Codebook(8, 8, choice="direction", revival_threshold=0)),
    "gradient": lambda: ProjectedQuantizer(Codebook(8, 8, update="gradient", choice="direction", revival_threshold=0)),
    "revived": lambda: HybridQuantizer(Codebook(8, 8, revival_threshold=0.9), num_frequent=4, warmup_epochs=0),
}


def make_network(quantizer: str) -> VQVAE:
    torch.manual_seed(0)
    encoder = Encoder(2, 1, 8, downsample_parameters=((2, 4, 1, 1),) * 2, **SIZES)
    decoder = Decoder(2, 8, 1, upsample_parameters=((2, 4, 1, 1, 0),) * 2, output_act=None, **SIZES)
    network = VQVAE(encoder, QUANTIZERS[quantizer](), decoder)
    network.quantizer.codebook.initialized.fill_(
        quantizer != "revived"
    )  # drawn from a joint batch, it would be another
    return network


def images(step: int, rank: int) -> torch.Tensor:
    return torch.rand(SHARE, 1, 16, 16, generator=torch.Generator().manual_seed(10 * step + rank))


def take_steps(network: VQVAE, trained: torch.nn.Module, batches: list[torch.Tensor]) -> None:
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    for x in batches:
        optimizer.zero_grad()
        VQVAELoss()(trained(x), x).backward()
        optimizer.step()


def train_as_one_of_two(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"}
    idist.initialize("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    for quantizer in QUANTIZERS:
        network = make_network(quantizer).train()
        distributed = multi_gpu.distribute(network, multi_gpu.device())
        take_steps(network, distributed, [images(step, rank) for step in range(STEPS)])
        torch.save(network.state_dict(), f"{folder}/{quantizer}_{rank}.pt")
    multi_gpu.finish(lambda: Path(f"{folder}/report_{rank}").touch())
    assert not hasattr(distributed, "reducer")  # freed after the group, it may wait for ever


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes have saved after a few steps of each quantizer."""
    if torch.cuda.is_available():
        pytest.skip("two processes would share one GPU")
    folder = tmp_path_factory.mktemp("processes")
    context = mp.spawn(train_as_one_of_two, (str(folder),), nprocs=2, join=False)
    ended = context.join(timeout=PATIENCE) or context.join(timeout=PATIENCE)  # a call returns as one process ends
    for process in context.processes:
        process.kill()
    assert ended, f"two processes have not parted after {PATIENCE} seconds"
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("quantizer", list(QUANTIZERS))
def test_two_processes_hold_the_same_model_to_the_bit(two_processes, quantizer):
    first, second = (torch.load(two_processes / f"{quantizer}_{rank}.pt", weights_only=True) for rank in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    start = make_network(quantizer).state_dict()
    assert not torch.equal(first["quantizer.codebook.embedding"], start["quantizer.codebook.embedding"])


@pytest.mark.slow
@pytest.mark.parametrize("quantizer", ["projected", "gradient"])
def test_it_is_the_model_of_one_process_on_the_joint_batch(two_processes, quantizer):
    first = torch.load(two_processes / f"{quantizer}_0.pt", weights_only=True)
    one = make_network(quantizer).train()
    take_steps(one, one, [torch.cat([images(step, rank) for rank in range(2)]) for step in range(STEPS)])
    for name, value in one.state_dict().items():
        torch.testing.assert_close(first[name], value, atol=1e-5, rtol=1e-4)


@pytest.mark.slow
def test_one_process_alone_reports(two_processes):
    assert [path.name for path in two_processes.glob("report_*")] == ["report_0"]


def test_without_torchrun_it_says_how_to_start(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with pytest.raises(InputError, match=r"WORLD_SIZE is not set: multi_gpu_train.json is for torchrun"):
        multi_gpu._check_environment()


@pytest.mark.parametrize(
    ("config", "message"),
    [({"max_minutes": 2.0}, "--max_minutes counts on one clock"), ({"precision": "fp16"}, "--precision fp16 is not")],
)
def test_what_would_let_the_processes_part_is_refused(config, message):
    with pytest.raises(InputError, match=message):
        multi_gpu._check_same_everywhere({"max_minutes": None, "precision": "bf16"} | config)


def test_one_process_is_the_first_of_one(monkeypatch):
    for name in multi_gpu.FROM_TORCHRUN:
        monkeypatch.delenv(name, raising=False)
    assert (multi_gpu.rank(), multi_gpu.world_size()) == (0, 1)
