from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser

from monai_vq.benchmark import Speed, time_training
from monai_vq.benchmark.__main__ import main
from monai_vq.benchmark.training_speed import make_ours, make_peer

BUNDLE = Path(__file__).parents[3] / "bundles/projected.json"


def parameters_by_part(network):
    return [sum(p.numel() for p in part.parameters()) for part in (network.encoder, network.decoder)]


def test_the_peers_have_the_same_sizes():
    assert parameters_by_part(make_ours()) == parameters_by_part(make_peer())


def test_ratio_is_the_median_over_rounds_and_not_of_the_medians():
    speed = Speed(ours=[10.0, 40.0, 90.0], peer=[10.0, 10.0, 10.0])
    assert speed.ratio == 4.0
    slow_second_round = Speed(ours=[10.0, 4.0, 9.0], peer=[2.0, 1.0, 3.0])
    assert slow_second_round.ratio == 4.0


def test_both_train_and_are_timed_in_every_round():
    speed = time_training(image_size=16, batch_size=2, precision="fp32", device="cpu", rounds=3, steps=1)
    assert len(speed.ours) == len(speed.peer) == 3
    assert min(speed.ours + speed.peer) > 0


def test_command_prints_the_ratio(capsys):
    main(["--image_size", "16", "--batch_size", "2", "--rounds", "1", "--steps", "1", "--device", "cpu"])
    ours, peer, ratio = (float(line.split("images/s")[0].split()[-1]) for line in capsys.readouterr().out.splitlines())
    assert ratio == pytest.approx(ours / peer, rel=0.1)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_runs_on_cuda():
    assert time_training(64, 4, "bf16", "cuda", rounds=1, steps=1).ratio > 0


def test_ours_is_the_network_of_the_bundle():
    config = ConfigParser(ConfigParser.load_config_file(BUNDLE))
    bundled = config.get_parsed_content("network_def").state_dict()
    assert {k: v.shape for k, v in make_ours().state_dict().items()} == {k: v.shape for k, v in bundled.items()}
