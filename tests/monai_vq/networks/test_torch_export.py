import io
from collections.abc import Callable
from importlib.util import find_spec

import pytest
import torch
from monai.networks.nets.vqvae import Decoder, Encoder
from torch import Tensor, nn

from monai_vq.networks import VAE, LatentDecoder, Reconstructor
from monai_vq.quantizers import (
    Codebook,
    FrequencyQuantizer,
    HybridQuantizer,
    IdentityQuantizer,
    ProjectedQuantizer,
    VectorQuantizer,
)

K, D = 16, 8
ONNX = ("onnx", "onnxscript", "onnxruntime")
MISSING = [package for package in ONNX if find_spec(package) is None]


def projected(num_gains: int, gain_bits: int | None = None) -> ProjectedQuantizer:
    return ProjectedQuantizer(Codebook(K, D, choice="direction", num_groups=num_gains), gain_bits=gain_bits)


QUANTIZERS: dict[str, Callable] = {
    "vector": lambda: VectorQuantizer(Codebook(K, D)),
    "vector_gradient_rotation": lambda: VectorQuantizer(Codebook(K, D, update="gradient"), estimator="rotation"),
    "projected": lambda: projected(1),
    "projected_4_bits": lambda: projected(1, 4),
    "four_gains": lambda: projected(4),
    "four_gains_4_bits": lambda: projected(4, 4),
    "frequency": lambda: FrequencyQuantizer(Codebook(K, D), num_frequent=K // 2, warmup_epochs=0),
    "hybrid": lambda: HybridQuantizer(Codebook(K, D), num_frequent=K // 2, warmup_epochs=0),
    "hybrid_4_bits": lambda: HybridQuantizer(Codebook(K, D), num_frequent=K // 2, warmup_epochs=0, gain_bits=4),
    "identity": lambda: IdentityQuantizer(D),
}


@pytest.fixture(params=[*QUANTIZERS, "vae"])
def reconstructor(request) -> Reconstructor:
    """x → x_hat of each latent, for images of 16 x 12 pixels (the VAE's 16 x 32); it has learned from one batch."""
    torch.manual_seed(0)
    if request.param == "vae":
        vae = VAE((16, 32), 1, latent_size=4, channels=(4, 4, 4, 8))
        network = Reconstructor(vae.encoder, vae.quantizer, vae.decoder)
    else:
        sizes = {"channels": (4, 8), "num_res_layers": 1, "num_res_channels": (4, 8), "dropout": 0.0, "act": "RELU"}
        encoder = Encoder(2, 1, D, downsample_parameters=((2, 4, 1, 1),) * 2, **sizes)
        decoder = Decoder(2, D, 1, upsample_parameters=((2, 4, 1, 1, 0),) * 2, output_act=None, **sizes)
        network = Reconstructor(encoder, QUANTIZERS[request.param](), decoder)
    network.image_size = (16, 32) if request.param == "vae" else (16, 12)
    network.train()(torch.rand(8, 1, *network.image_size))
    if request.param.startswith(("frequency", "hybrid")):
        codes, _ = network.eval().encode_latent(torch.rand(5, 1, *network.image_size))
        assert 0 < network.quantizer.continuous(codes).float().mean() < 1  # both ways through it are exported
    return network.eval()


@pytest.fixture(params=["images", "latents"])
def exported(request, reconstructor) -> tuple[nn.Module, list[Tensor], list[Tensor]]:
    """The reconstructor or its way back from (codes, side), and inputs of two batch sizes."""
    small, large = (torch.rand(number, 1, *reconstructor.image_size) for number in (2, 5))
    if request.param == "images":
        return reconstructor, [small], [large]
    latents = [list(reconstructor.encode_latent(x)) for x in (small, large)]
    return LatentDecoder(reconstructor).eval(), *latents


def any_batch(inputs: list[Tensor]) -> tuple:
    batch = torch.export.Dim("batch")
    return tuple({0: batch} for _ in inputs)


@pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")
def test_torchscript_gives_the_same_bits_for_any_batch(exported):
    module, small, large = exported
    stored = io.BytesIO()
    torch.jit.save(torch.jit.script(module), stored)
    stored.seek(0)
    loaded = torch.jit.load(stored)
    for inputs in (small, large):
        assert torch.equal(loaded(*inputs), module(*inputs))


def test_torch_export_gives_the_same_bits_for_any_batch(exported):
    module, small, large = exported
    program = torch.export.export(module, tuple(small), dynamic_shapes=any_batch(small))
    stored = io.BytesIO()
    torch.export.save(program, stored)
    stored.seek(0)
    loaded = torch.export.load(stored).module()
    for inputs in (small, large):
        assert torch.equal(loaded(*inputs), module(*inputs))


@pytest.mark.slow
@pytest.mark.skipif(bool(MISSING), reason=f"the extra 'export' is not installed: {', '.join(MISSING)}")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_onnx_runtime_gives_the_same_image_for_any_batch(exported):
    from onnxruntime import InferenceSession

    module, small, large = exported
    program = torch.onnx.export(
        module, tuple(small), dynamo=True, dynamic_shapes=any_batch(small), verbose=False, external_data=False
    )
    stored = io.BytesIO()
    program.save(stored)
    session = InferenceSession(stored.getvalue(), providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]
    for inputs in (small, large):
        feed = {name: value.numpy() for name, value in zip(names, inputs, strict=True)}
        x_hat = torch.from_numpy(session.run(None, feed)[0])
        torch.testing.assert_close(x_hat, module(*inputs), atol=1e-5, rtol=0)
