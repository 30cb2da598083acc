import os
import random

import numpy as np
import pytest
import torch

from monai_vq.engines import seed_everything


def draw():
    return random.random(), np.random.rand(), torch.rand(3).tolist()


@pytest.mark.parametrize("deterministic", [True, False])
def test_a_seed_fixes_every_generator(deterministic):
    seed_everything(3, deterministic)
    first = draw()
    seed_everything(3, deterministic)
    assert draw() == first
    seed_everything(4, deterministic)
    assert draw() != first


def test_only_deterministic_algorithms_where_asked_for():
    seed_everything(0, True)
    assert torch.are_deterministic_algorithms_enabled()
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"]
    seed_everything(0, False)  # in the same notebook
    assert not torch.are_deterministic_algorithms_enabled()
