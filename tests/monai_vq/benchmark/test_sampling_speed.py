import pytest
import torch
from monai.inferers import VQVAETransformerInferer
from monai.utils.ordering import Ordering

from monai_vq.benchmark import SamplingSpeed, sampling_speed, time_pixelcnn, time_transformer
from monai_vq.benchmark.__main__ import main
from monai_vq.benchmark.sampling_speed import CodesAlone, K, make_pixelcnn, make_transformer
from monai_vq.priors import from_monai

SIZES_OF_THE_CLAIM = {"K": 256, "DIM": 192, "LAYERS": 6, "HEADS": 6, "PIXELCNN_DIM": 64, "PIXELCNN_LAYERS": 15}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, size in {"DIM": 12, "LAYERS": 1, "HEADS": 2, "PIXELCNN_DIM": 4, "PIXELCNN_LAYERS": 2}.items():
        monkeypatch.setattr(sampling_speed, name, size)


def test_sizes_are_those_of_the_claim():
    assert {name: getattr(sampling_speed, name) for name in SIZES_OF_THE_CLAIM} == SIZES_OF_THE_CLAIM


def test_ratio_is_to_the_mean_of_before_and_after():
    assert SamplingSpeed(ours=[1.0, 3.0], peer=40.0, timed=16, positions=16).ratio == 20.0


def test_both_samplers_of_the_transformer_draw_the_same_codes():
    """Else they would not do the same work; likeliest codes, and MONAI kept from the token that begins a sequence."""
    grid = (3, 4)
    torch.manual_seed(0)
    transformer = make_transformer(grid).eval()
    with torch.no_grad():
        transformer.to_logits.bias[K] = -torch.inf
    ordering = Ordering("raster_scan", 2, (1, *grid))
    begun = torch.full((2, 1), K)
    peers = VQVAETransformerInferer().sample(grid, begun, CodesAlone(K), transformer, ordering, top_k=1, verbose=False)
    ours, _ = from_monai(transformer, grid).sample((2, *grid), top_k=1)
    assert torch.equal(ours, peers)
    assert len(ours.unique()) > 1


@pytest.mark.parametrize("time_it", [time_transformer, time_pixelcnn])
@pytest.mark.parametrize(("steps", "timed"), [(None, 12), (3, 3), (99, 12)])
@pytest.mark.usefixtures("small")
def test_the_peer_is_timed_at_as_many_positions_as_it_says(time_it, steps, timed):
    speed = time_it((3, 4), 2, steps, "cpu")
    assert (speed.timed, speed.positions) == (timed, 12)
    assert min(*speed.ours, speed.peer) > 0


@pytest.mark.usefixtures("small")
def test_the_sum_over_positions_is_scaled_to_the_whole(monkeypatch):
    """A clock that counts the positions which the peer has drawn."""
    drawn = [0]
    real = VQVAETransformerInferer.sample

    def count(self, shape, *args, **kwargs):
        drawn[0] += shape[0] * shape[1]
        return real(self, shape, *args, **kwargs)

    monkeypatch.setattr(VQVAETransformerInferer, "sample", count)
    monkeypatch.setattr(sampling_speed.time, "perf_counter", lambda: float(drawn[0]))
    assert [time_transformer((3, 4), 1, steps, "cpu").peer for steps in (None, 1, 5)] == [12.0, 12.0, 12.0]


def test_command_prints_both_ratios_and_how_much_was_timed(monkeypatch, capsys):
    whole, part = SamplingSpeed([2.0, 2.0], 50.0, 6, 6), SamplingSpeed([0.5, 0.5], 6.0, 2, 6)
    monkeypatch.setattr("monai_vq.benchmark.__main__.time_transformer", lambda *_, **__: whole)
    monkeypatch.setattr("monai_vq.benchmark.__main__.time_pixelcnn", lambda *_, **__: part)
    main(["sampling", "--grid", "2", "3"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in (lines[2], lines[5])] == ["25.0", "12.0"]
    assert "50.00 s a batch (whole)" in lines[1]
    assert "6.00 s a batch (from 2 of 6 positions)" in lines[4]


@pytest.mark.usefixtures("small")
def test_command_samples(capsys):
    main(["sampling", "--grid", "2", "3", "--batch_size", "2", "--steps", "2", "--device", "cpu"])
    assert capsys.readouterr().out.count("from 2 of 6 positions") == 2


def test_an_unknown_tool_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["sampeling"])
    assert "training" in capsys.readouterr().err


def test_the_pixelcnn_draws_uniform_codes_untrained():
    codes, _ = make_pixelcnn().sample((64, 2, 2), generator=torch.Generator().manual_seed(0))
    assert codes.float().mean().item() == pytest.approx((K - 1) / 2, abs=4 * K / 12**0.5 / codes.numel() ** 0.5)
