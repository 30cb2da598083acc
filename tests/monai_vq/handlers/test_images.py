from types import SimpleNamespace

import torch
from ignite.engine import Engine

from monai_vq.handlers import ReconstructionGrid
from monai_vq.handlers.images import reconstruction_grid


class Writer:
    def __init__(self):
        self.images = []

    def add_image(self, tag, image, step):
        self.images.append((tag, image, step))


def test_a_grid_is_inputs_over_reconstructions_over_errors():
    x = torch.tensor([0.2, 0.8])[:, None, None, None].expand(2, 1, 3, 4)
    x_hat = torch.tensor([0.3, 1.7])[:, None, None, None].expand(2, 1, 3, 4)  # clipped to 1; error 0.9 as it is
    grid = reconstruction_grid(x, x_hat)
    assert grid.shape == (1, 9, 8)
    values = grid[0, 1::3, 1::4]  # a pixel of each image
    assert torch.allclose(values, torch.tensor([[0.2, 0.8], [0.3, 1.0], [0.4, 0.8]]))


def test_only_the_first_batch_of_each_epoch_is_shown_evenly():
    writer = Writer()
    batches = [torch.arange(5.0)[:, None, None, None] / 10 + offset for offset in (0, 0.5)]
    evaluator = Engine(lambda engine, x: {"image": x, "pred": SimpleNamespace(x_hat=x)})
    ReconstructionGrid(writer, num_images=3).attach(evaluator)
    evaluator.run(batches, max_epochs=2)
    assert [step for _, _, step in writer.images] == [1, 2]
    assert torch.allclose(writer.images[0][1][0, 0], torch.tensor([0.0, 0.2, 0.4]))
