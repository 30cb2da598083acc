import copy

import pytest
import torch
from monai.networks import nets
from torch import nn

from monai_vq.errors import InputError
from monai_vq.networks import VQVAE, LatentDecoder, Reconstructor, check_image_size, downsampling_factor
from monai_vq.quantizers import Codebook, IdentityQuantizer, VectorQuantizer

K, D, F = 16, 6, 4
# quantizer: G, the side channels
QUANTIZERS = {"vector": 0, "projected": 1, "three_gains": 3, "frequency": D, "hybrid": 1, "identity": D}
every_quantizer = pytest.mark.parametrize("quantizer", QUANTIZERS)
SIZES = {2: (8, 12), 3: (8, 12, 4)}


@every_quantizer
@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_offers_what_monai_offers(make_network, quantizer, spatial_dims):
    network, image = make_network(quantizer, spatial_dims), SIZES[spatial_dims]
    x, latent = torch.rand(3, 1, *image), [n // F for n in image]
    assert (network.num_embeddings, network.embedding_dim) == (1 if quantizer == "identity" else K, D)
    assert network.side_channels == QUANTIZERS[quantizer]
    z_e = network.encode(x)
    z_q, loss = network.quantize(z_e)
    assert z_e.shape == z_q.shape == (3, D, *latent)
    assert loss.shape == ()
    assert network.index_quantize(x).shape == (3, *latent)
    assert network.index_quantize(x).dtype == torch.int64
    reconstruction = network(x)
    assert torch.equal(network.decode(z_q), reconstruction.x_hat)
    assert torch.equal(network.encode_stage_2_inputs(x), z_q)
    assert torch.equal(network.decode_stage_2_outputs(z_q), reconstruction.x_hat)
    assert torch.equal(network.index_quantize(x), reconstruction.codes)
    assert torch.equal(loss, reconstruction.loss)
    assert reconstruction.side.shape == (3, QUANTIZERS[quantizer], *latent)


def monai_twin(network: VQVAE) -> nets.VQVAE:
    own = network.state_dict()
    twin = nets.VQVAE(
        spatial_dims=2,
        in_channels=1,
        out_channels=1,
        channels=(4, 8),
        num_res_layers=1,
        num_res_channels=(4, 8),
        downsample_parameters=((2, 4, 1, 1),) * 2,
        upsample_parameters=((2, 4, 1, 1, 0),) * 2,
        num_embeddings=K,
        embedding_dim=D,
    )
    weights = {name: value for name, value in own.items() if not name.startswith("quantizer")}
    assert not twin.load_state_dict(weights, strict=False).unexpected_keys
    twin.quantizer.quantizer.embedding.weight.data.copy_(own["quantizer.codebook.embedding"])
    return twin.eval()


def test_equals_monais_vqvae_of_the_same_weights(make_network):
    network, x = make_network("vector"), torch.rand(3, 1, 8, 12)
    twin = monai_twin(network)
    x_hat, loss = twin(x)
    ours = network(x)
    torch.testing.assert_close(ours.x_hat, x_hat, atol=1e-5, rtol=0)
    torch.testing.assert_close(ours.loss, loss, atol=1e-5, rtol=0)
    codes = twin.index_quantize(x)
    assert torch.equal(network.index_quantize(x), codes)
    torch.testing.assert_close(network.decode_samples(codes), twin.decode_samples(codes), atol=1e-5, rtol=0)
    torch.testing.assert_close(network.encode_stage_2_inputs(x), twin.encode_stage_2_inputs(x), atol=1e-5, rtol=0)


def test_stage_2_outputs_are_decoded_as_they_are(make_network):
    network, z = make_network("vector"), torch.randn(2, D, 3, 2)
    assert torch.equal(network.decode_stage_2_outputs(z), network.decode(z))
    assert not torch.allclose(monai_twin(network).decode_stage_2_outputs(z), network.decode(z), atol=1e-3)


@every_quantizer
def test_a_latent_decodes_to_the_reconstruction(make_network, quantizer):
    network, x = make_network(quantizer), torch.rand(3, 1, 8, 12)
    assert torch.equal(network.decode_latent(*network.encode_latent(x)), network(x).x_hat)


@every_quantizer
@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_a_receiver_needs_no_encoder(make_network, quantizer, spatial_dims):
    network, x = make_network(quantizer, spatial_dims), torch.rand(3, 1, *SIZES[spatial_dims])
    receiver = LatentDecoder(network).eval()
    assert torch.equal(receiver(*network.encode_latent(x)), network(x).x_hat)
    shared = {name for name in network.state_dict() if not name.startswith("encoder.")}
    assert receiver.state_dict().keys() == shared


@pytest.mark.parametrize(
    ("quantizer", "bits"),
    [("vector", 4), ("projected", 4 + 32), ("three_gains", 4 + 3 * 4), ("identity", 32 * D)],  # log2 K is 4
)
def test_a_latents_bits_are_counted_position_by_position(make_network, quantizer, bits):
    network = make_network(quantizer)
    counted = network.latent_bits(*network.encode_latent(torch.rand(3, 1, 8, 12)))
    assert counted.tolist() == [2 * 3 * bits] * 3


@pytest.mark.parametrize(("quantizer", "rare"), [("frequency", 32 * D), ("hybrid", 32)])
def test_a_latents_bits_vary_with_its_rare_codes(make_network, quantizer, rare):
    network = make_network(quantizer)
    order = network.quantizer.frequent.frequency.argsort(descending=True)
    often, seldom = order[0], order[-1]
    codes = torch.stack([often.expand(2, 3), seldom.expand(2, 3), torch.stack([often, seldom, often]).expand(2, 3)])
    side = torch.zeros(3, network.side_channels, 2, 3)
    assert network.latent_bits(codes, side).tolist() == [6 * 4, 6 * (4 + rare), 6 * 4 + 2 * rare]


def test_codes_alone_decode_a_latent_without_side(make_network):
    network, x = make_network("vector"), torch.rand(3, 1, 8, 12)
    assert torch.equal(network.decode_samples(network.index_quantize(x)), network(x).x_hat)


@pytest.mark.parametrize("quantizer", [name for name in QUANTIZERS if QUANTIZERS[name] > 0])
def test_codes_alone_are_refused_where_there_is_side(make_network, quantizer):
    with pytest.raises(InputError, match=rf"{QUANTIZERS[quantizer]} side channel.*decode_latent\(codes, side\)"):
        make_network(quantizer).decode_samples(torch.zeros(1, 2, 2, dtype=torch.int64))


@every_quantizer
@pytest.mark.parametrize("method", ["index_quantize", "encode_latent", "encode_stage_2_inputs"])
def test_extraction_while_training_leaves_the_codebook_as_it_is(make_network, quantizer, method):
    network = make_network(quantizer).train()
    before = copy.deepcopy(network.state_dict())
    getattr(network, method)(torch.rand(3, 1, 8, 12))
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_training_changes_the_codebook(make_network):
    network = make_network("projected").train()
    before = network.quantizer.codebook.embedding.clone()
    network(torch.rand(3, 1, 8, 12))
    assert not torch.equal(before, network.quantizer.codebook.embedding)


@every_quantizer
def test_every_weight_gets_a_gradient(make_network, quantizer):
    network, x = make_network(quantizer).train(), torch.rand(3, 1, 8, 12)
    (network(x).x_hat - x).square().mean().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())


@every_quantizer
def test_reconstructor_has_the_same_keys_and_returns_x_hat(make_network, quantizer):
    network, x = make_network(quantizer), torch.rand(3, 1, 8, 12)
    reconstructor = make_network(quantizer, kind=Reconstructor)
    assert reconstructor.state_dict().keys() == network.state_dict().keys()
    reconstructor.load_state_dict(network.state_dict())
    assert torch.equal(reconstructor(x), network(x).x_hat)


@every_quantizer
@pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")
def test_scripts(make_network, quantizer):
    x = torch.rand(3, 1, 8, 12)
    network, reconstructor = make_network(quantizer), make_network(quantizer, kind=Reconstructor)
    assert torch.equal(torch.jit.script(reconstructor)(x), reconstructor(x))
    assert all(torch.equal(a, b) for a, b in zip(torch.jit.script(network)(x), network(x), strict=True))


@every_quantizer
def test_exports(make_network, quantizer):
    reconstructor, x = make_network(quantizer, kind=Reconstructor), torch.rand(3, 1, 8, 12)
    torch.testing.assert_close(torch.export.export(reconstructor, (x,)).module()(x), reconstructor(x))


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_downsampling_factor_is_the_encoders(make_network, spatial_dims):
    assert downsampling_factor(make_network("vector", spatial_dims), 1, spatial_dims) == F


def test_asking_for_the_factor_changes_nothing():
    encoder = nn.Sequential(nn.Conv2d(1, D, 2, stride=2), nn.BatchNorm2d(D), nn.Dropout(0.5))
    network = VQVAE(encoder, IdentityQuantizer(D), nn.ConvTranspose2d(D, 1, 2, stride=2)).train()
    before, random_state = copy.deepcopy(network.state_dict()), torch.get_rng_state()
    assert downsampling_factor(network, 1) == 2
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert torch.equal(random_state, torch.get_rng_state())
    assert all(module.training for module in network.modules())


@pytest.mark.parametrize(("image_size", "remedy"), [([30, 32], "32, 32"), ((33, 15), "36, 16"), ([2, 4], "4, 4")])
def test_refuses_image_sizes_that_do_not_divide(make_network, image_size, remedy):
    with pytest.raises(InputError, match=rf"{image_size[0]}, .*factor 4.*--image_size \[{remedy}\]"):
        check_image_size(make_network("vector"), image_size, 1)


def test_accepts_image_sizes_that_it_gives_back(make_network):
    network = make_network("vector")
    check_image_size(network, (20, 12), 1)
    assert network(torch.rand(1, 1, 20, 12)).x_hat.shape == (1, 1, 20, 12)


def test_the_whole_network_runs_under_autocast(make_network):
    network, x = make_network("projected"), torch.rand(2, 1, 8, 12)
    with torch.autocast("cpu", torch.bfloat16):
        reconstruction = network(x)
    assert reconstruction.side.dtype == reconstruction.loss.dtype == torch.float32
    assert (reconstruction.x_hat.float() - network(x).x_hat).abs().mean() < 0.05


def test_a_gradient_codebook_is_a_parameter_of_the_network(coders):
    encoder, decoder = coders()
    network = VQVAE(encoder, VectorQuantizer(Codebook(K, D, update="gradient")), decoder)
    assert "quantizer.codebook.embedding" in dict(network.named_parameters())
