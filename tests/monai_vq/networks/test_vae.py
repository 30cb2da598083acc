import copy
import math

import pytest
import torch
from ignite.engine import Events
from monai.engines import SupervisedTrainer
from monai.networks.nets import VarAutoEncoder
from torch.distributions import Independent, Normal, kl_divergence

from monai_vq.errors import InputError
from monai_vq.losses import VQVAELoss
from monai_vq.networks import VAE, VQVAE, LatentDecoder, Reconstructor, check_image_size, downsampling_factor
from monai_vq.networks.vae import CHANNELS, gaussian_kl

L, CHANNELS_HERE = 5, (4, 4, 8, 8)


def make_vae(image_size=(32, 48), in_channels=1, kl_weight=1.0, channels=CHANNELS_HERE) -> VAE:
    torch.manual_seed(0)
    vae = VAE(image_size, in_channels, latent_size=L, kl_weight=kl_weight, channels=channels)
    vae.train()(torch.rand(4, in_channels, *image_size))  # batch statistics of its own
    return vae.eval()


def monai_twin(vae: VAE, image_size) -> VarAutoEncoder:
    twin = VarAutoEncoder(
        spatial_dims=len(image_size),
        in_shape=(1, *image_size),
        out_channels=1,
        latent_size=L,
        channels=CHANNELS_HERE,
        strides=(2, 2, 2, 2),
        act="RELU",
        norm="BATCH",
        use_sigmoid=False,
        use_mean_at_inference=True,
    )
    names = {"encoder.": "encode.", "decoder.": "decode.", "quantizer.dense": "decodeL", "quantizer.": ""}
    weights = {}
    for name, value in vae.state_dict().items():
        old = next(old for old in names if name.startswith(old))
        weights[name.replace(old, names[old], 1)] = value
    twin.load_state_dict(weights)
    return twin.eval()


@pytest.mark.parametrize("image_size", [(32, 48), (16, 16, 32)])
def test_equals_monais_autoencoder_of_the_same_weights(image_size):
    vae, x = make_vae(image_size), torch.rand(3, 1, *image_size)
    x_hat, mean, logvar, z = monai_twin(vae, image_size)(x)
    ours = vae(x)
    assert torch.equal(ours.x_hat, x_hat)
    assert torch.equal(ours.side.flatten(1), torch.cat([mean, logvar], dim=1))
    assert torch.equal(z, mean)


def test_has_the_outer_shape_of_a_vqvae():
    vae, x = make_vae(), torch.rand(3, 1, 32, 48)
    assert isinstance(vae, VQVAE)
    assert (vae.num_embeddings, vae.side_channels) == (1, 2 * L)
    reconstruction = vae(x)
    assert reconstruction.x_hat.shape == x.shape
    assert torch.equal(reconstruction.codes, torch.zeros(3, 1, 1, dtype=torch.int64))
    assert reconstruction.side.shape == (3, 2 * L, 1, 1)
    assert reconstruction.loss.shape == ()
    assert torch.equal(vae.decode_latent(*vae.encode_latent(x)), reconstruction.x_hat)
    assert torch.equal(LatentDecoder(vae)(*vae.encode_latent(x)), reconstruction.x_hat)
    assert torch.equal(vae.encode_stage_2_inputs(x), vae.quantize(vae.encode(x))[0])


def test_codes_alone_are_refused_for_there_are_none():
    with pytest.raises(InputError, match=rf"{2 * L} side channel"):
        make_vae().decode_samples(torch.zeros(1, 1, 1, dtype=torch.int64))


def test_kl_is_torchs_and_nought_at_the_prior():
    mean, logvar = torch.randn(6, 4), 3 * torch.randn(6, 4)
    posterior = Independent(Normal(mean, (0.5 * logvar).exp()), 1)
    prior = Independent(Normal(torch.zeros(6, 4), torch.ones(6, 4)), 1)
    torch.testing.assert_close(gaussian_kl(mean, logvar), kl_divergence(posterior, prior))
    assert torch.equal(gaussian_kl(torch.zeros(2, 4), torch.zeros(2, 4)), torch.zeros(2))


def test_kl_keeps_its_digits_near_the_prior():
    logvar = torch.full((1, 1), 1e-4)
    expected = gaussian_kl(torch.zeros(1, 1, dtype=torch.float64), logvar.double())  # about logvar² / 4
    torch.testing.assert_close(gaussian_kl(torch.zeros(1, 1), logvar).double(), expected, rtol=1e-3, atol=0)


def test_the_loss_is_the_elbo_of_a_gaussian_decoder_whose_variance_is_half_the_weight():
    kl_weight, x = 0.3, torch.rand(4, 1, 32, 48)
    vae = make_vae(kl_weight=kl_weight)
    reconstruction = vae(x)
    mean, logvar = reconstruction.side.flatten(1).chunk(2, dim=1)
    pixels = Normal(reconstruction.x_hat, math.sqrt(kl_weight / 2))
    constant = 0.5 * math.log(2 * math.pi * kl_weight / 2)
    negative_elbo = (-pixels.log_prob(x) - constant).sum(dim=(1, 2, 3)) + gaussian_kl(mean, logvar)
    expected = kl_weight / x[0].numel() * negative_elbo.mean()
    torch.testing.assert_close(VQVAELoss()(reconstruction, x), expected)


def test_a_latents_bits_are_its_kl_in_bits_for_each_image():
    vae, x = make_vae(), torch.rand(3, 1, 32, 48)
    codes, side = vae.encode_latent(x)
    bits = vae.latent_bits(codes, side)
    assert bits.shape == (3,)
    torch.testing.assert_close(bits.mean() * math.log(2) / x[0].numel(), vae(x).loss)


def test_training_samples_and_evaluation_takes_the_mean():
    vae, x = make_vae(), torch.rand(2, 1, 32, 48)
    assert torch.equal(vae(x).x_hat, vae(x).x_hat)
    z_e = vae.encode(x)
    codes, side = vae.encode_latent(x)
    vae.train()
    torch.manual_seed(1)
    drawn = vae.quantizer(z_e)
    torch.manual_seed(1)
    mean, logvar = side.flatten(1).chunk(2, dim=1)
    noise = torch.randn_like(mean)
    sampled = torch.cat([mean + noise * torch.exp(0.5 * logvar), logvar], dim=1)[..., None, None]
    assert torch.equal(drawn.z_q, vae.quantizer.embed(codes, sampled))
    assert torch.equal(drawn.side, side)
    assert torch.equal(vae.quantizer.assign(z_e).z_q, vae.quantizer.embed(codes, side))  # extraction never samples


def test_samples_have_the_posteriors_mean_and_variance():
    vae = make_vae()
    quantizer = vae.quantizer.train()
    torch.nn.init.eye_(quantizer.dense.weight)  # z_q's first L values are relu(z + 10), z itself up to the shift
    torch.nn.init.constant_(quantizer.dense.bias, 10.0)
    z_e = vae.encode(torch.rand(1, 1, 32, 48))
    draws = torch.cat([quantizer(z_e).z_q.flatten(1)[:, :L] - 10 for _ in range(4000)])
    mean, logvar = quantizer.assign(z_e).side.flatten().chunk(2)
    standard_error = torch.exp(0.5 * logvar) / math.sqrt(4000)
    assert ((draws.mean(dim=0) - mean).abs() < 5 * standard_error).all()
    torch.testing.assert_close(draws.var(dim=0), logvar.exp(), rtol=0.15, atol=0)


def test_the_kl_and_the_way_through_the_mean_have_their_gradients():
    mean, logvar = (torch.randn(3, 4, dtype=torch.float64, requires_grad=True) for _ in range(2))
    assert torch.autograd.gradcheck(gaussian_kl, (mean, logvar))
    quantizer = make_vae().quantizer.double()
    z_e = torch.randn(2, 8, 2, 3, dtype=torch.float64, requires_grad=True)
    for field in ("z_q", "loss"):  # not by forward, which computes in float32
        assert torch.autograd.gradcheck(lambda z: getattr(quantizer._quantize(z, False), field), (z_e,))  # noqa: B023


def test_an_engine_trains_it_with_finite_gradients_in_every_weight():
    vae, x = make_vae(), torch.rand(8, 1, 32, 48)
    losses = []
    trainer = SupervisedTrainer(
        device=torch.device("cpu"),
        max_epochs=1,
        train_data_loader=[{"image": x}] * 30,
        network=vae,
        optimizer=torch.optim.Adam(vae.parameters(), lr=5e-3),
        loss_function=VQVAELoss(),
        prepare_batch=lambda batch, *_, **__: (batch["image"], batch["image"]),
        decollate=False,
    )
    trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda engine: losses.append(engine.state.output["loss"]))
    trainer.run()
    assert losses[-1] < 0.5 * losses[0]
    assert all(torch.isfinite(parameter.grad).all() for parameter in vae.parameters())


def test_the_latent_stays_in_float32_and_finite_under_autocast():
    vae, x = make_vae().train(), torch.rand(4, 1, 32, 48)
    with torch.autocast("cpu", torch.bfloat16):
        reconstruction, half = vae(x), vae.eval()(x)
    assert reconstruction.x_hat.dtype == torch.bfloat16
    assert reconstruction.side.dtype == reconstruction.loss.dtype == torch.float32
    assert torch.isfinite(reconstruction.side).all()
    full = vae(x)
    torch.testing.assert_close(half.side, full.side, atol=0.05, rtol=0.05)
    torch.testing.assert_close(half.loss, full.loss, rtol=0.1, atol=0)


def test_a_state_dict_makes_the_same_network_again():
    vae, x = make_vae(), torch.rand(2, 1, 32, 48)
    other = VAE((32, 48), 1, latent_size=L, kl_weight=1.0, channels=CHANNELS_HERE).eval()
    assert not torch.equal(other(x).x_hat, vae(x).x_hat)
    other.load_state_dict(copy.deepcopy(vae.state_dict()))
    assert all(torch.equal(a, b) for a, b in zip(other(x), vae(x), strict=True))


def test_its_images_divide_by_sixteen_and_are_those_it_was_built_for():
    vae = make_vae()
    assert downsampling_factor(vae, 1) == 16
    check_image_size(vae, (32, 48), 1)
    with pytest.raises(InputError, match=r"\[30, 48\] is not divisible .* factor 16; use --image_size \[32, 48\]"):
        check_image_size(make_vae((30, 48)), (30, 48), 1)
    with pytest.raises(ValueError, match=r"\[2, 2\] positions, expected \[2, 3\]: .* only images of its image_size"):
        vae(torch.rand(1, 1, 32, 32))


def test_the_reports_size_has_four_convolutions_four_transposed_and_128_numbers():
    vae = VAE((128, 96), 1)
    kinds = [type(module) for module in vae.modules()]
    assert (kinds.count(torch.nn.Conv2d), kinds.count(torch.nn.ConvTranspose2d)) == (4, 4)
    assert vae.side_channels == 2 * 128
    assert tuple(vae.encoder[-1].conv.weight.shape) == (CHANNELS[3], CHANNELS[2], 3, 3)


@pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")
def test_scripts_as_a_reconstructor():
    vae, x = make_vae(), torch.rand(3, 1, 32, 48)
    reconstructor = Reconstructor(vae.encoder, vae.quantizer, vae.decoder).eval()
    assert torch.equal(torch.jit.script(reconstructor)(x), vae(x).x_hat)
