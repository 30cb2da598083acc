import torch

from monai_vq.anomaly.restoration import Restorer


def latent(network) -> tuple[torch.Tensor, torch.Tensor]:
    codes, side = network.encode_latent(torch.rand(3, 1, 16, 24, generator=torch.Generator().manual_seed(1)))
    codes[codes == 0] = 1
    return codes, side


def test_unlikely_codes_become_what_the_prior_knows_and_others_stay(network, zero_prior):
    codes, side = latent(network)
    unlikely = torch.zeros(3, 4, 6, dtype=torch.bool)
    unlikely[0, 1, 2] = True
    keep = Restorer(zero_prior, network)
    restored = keep.restore(codes, side, unlikely, generator=torch.Generator().manual_seed(0))
    own = network.decode_latent(codes, side).clamp(0, 1)
    torch.testing.assert_close(restored[1:], own[1:])
    assert not torch.allclose(restored[0], own[0])


def test_the_map_is_zero_but_around_what_was_restored(network, zero_prior):
    codes, side = latent(network)
    deviation = torch.full((3, 4, 6), -1.0)
    deviation[0, 0, 0] = 3.0
    maps = Restorer(zero_prior, network).map(codes, side, deviation, 0.5, generator=torch.Generator().manual_seed(0))
    assert maps.shape == (3, 16, 24)
    assert maps[1:].abs().max() == 0
    assert maps[0, :4, :4].max() > 0
    assert maps[0, 8:, 8:].max() == 0


def test_the_map_is_the_mean_over_restorations_and_grows_with_the_deviation(network, prior):
    codes, side = latent(network)

    def draw(number: int, deviation: float) -> torch.Tensor:
        generator = torch.Generator().manual_seed(0)
        return Restorer(prior, network, number).map(codes, side, torch.full((3, 4, 6), deviation), 0.5, None, generator)

    one, many = draw(1, 1.0), draw(8, 1.0)
    assert torch.equal(one, draw(1, 1.0))
    assert not torch.allclose(one, many)
    assert one.mean().item() > 0
    assert abs(many.mean() / one.mean() - 1) < 0.5
    torch.testing.assert_close(draw(1, 3.0), 3 * one)


def test_nothing_unlikely_nothing_restored(network, prior, monkeypatch):
    monkeypatch.setattr(type(prior), "sample", None)  # it would be called otherwise
    codes, side = latent(network)
    maps = Restorer(prior, network).map(codes, side, torch.full((3, 4, 6), 0.4), 0.5)
    assert maps.abs().max() == 0
