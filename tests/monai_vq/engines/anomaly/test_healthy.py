import numpy as np
import pytest
import torch

from monai_vq.anomaly.mapper import UNLIKELY, encode
from monai_vq.anomaly.normal import NormalMap
from monai_vq.anomaly.restoration import Restorer
from monai_vq.engines.anomaly.healthy import learn_normal
from monai_vq.engines.anomaly.scan_stacks import scan_stacks
from monai_vq.engines.priors.load import load_prior


def test_bits_are_of_validation_and_brightness_of_training_patients(tiny_prior, tiny_dataset):
    run = load_prior(tiny_prior)
    restorer = Restorer(run.prior, run.network, 1, 8)
    mapper = learn_normal(run, restorer, str(tiny_dataset))
    train = list(scan_stacks(run, tiny_dataset, "train"))
    brightness = NormalMap(
        torch.cat([stack.images[:, 0] for stack in train]).numpy(),
        np.concatenate([stack.slice_positions for stack in train]),
    )
    np.testing.assert_allclose(mapper.normal_images.mean, brightness.mean, atol=1e-9)
    (val,) = scan_stacks(run, tiny_dataset, "val")
    bits = encode(restorer, val.images, val.condition).bits.numpy()
    np.testing.assert_allclose(mapper.normal_bits.mean, NormalMap(bits, val.slice_positions).mean, atol=1e-6)
    inside = torch.nn.functional.avg_pool2d(torch.from_numpy(val.foreground)[:, None].float(), 4)[:, 0].numpy() > 0.5
    deviation = mapper.normal_bits.deviation(bits, val.slice_positions)[inside]
    assert (deviation > mapper.unlikely_from).mean() == pytest.approx(1 - UNLIKELY, abs=1 / inside.sum())
