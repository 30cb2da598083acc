from pathlib import Path

import numpy as np
import pytest
import torch
from ignite.engine import Events
from PIL import Image

from monai_vq.handlers import SampleGrid, Validation
from monai_vq.handlers.sample_grid import image_grid, write_png
from monai_vq.priors import CausalTransformer, LatentAlphabet, Prior


class Blocks(torch.nn.Module):
    """Decodes a code k of 8 to a block of 4 x 4 pixels of k / 8."""

    def decode_latent(self, codes, side):
        return (codes / 8).repeat_interleave(4, 1).repeat_interleave(4, 2)[:, None]


@pytest.fixture
def draw(tmp_path, make_trainer, make_evaluator):
    """Trains six epochs, validating each second; returns the pictures by name."""

    def run(interval, prepare=lambda trainer: None, max_epochs=6):
        torch.manual_seed(0)
        prior = Prior(LatentAlphabet(8), CausalTransformer(8, 1, 1, grid_size=(2, 3)))
        trainer, evaluator = make_trainer([1.0] * 99), make_evaluator()
        Validation(interval=2, validator=evaluator).attach(trainer)
        grid = SampleGrid(prior, Blocks(), evaluator, tmp_path, (2, 3), interval, val_interval=2, num_images=3)
        grid.attach(trainer)
        prepare(trainer)
        trainer.run(range(2), max_epochs=max_epochs)
        assert prior.training
        return {path.name: np.asarray(Image.open(path)) for path in sorted(Path(tmp_path).glob("*"))}

    return run


def test_a_grid_comes_at_every_few_validations_and_at_the_end(draw):
    assert list(draw(interval=2)) == ["epoch_0004.png", "epoch_0006.png"]


def test_a_run_that_time_ends_has_a_grid_of_its_last_epoch(draw, stop_at):
    assert list(draw(interval=9, prepare=lambda trainer: stop_at(trainer, 5))) == ["epoch_0003.png"]


def test_the_pictures_are_those_of_decoded_latents_and_begin_with_the_same_numbers(draw):
    first, second = draw(interval=1, max_epochs=4).values()  # nothing learns between them
    assert first.shape == (2 * 8, 2 * 12)  # three images in two rows of two
    assert np.array_equal(first, second)
    assert set(np.unique(first)) <= {round(255 * k / 8) for k in range(8)}
    assert not first[8:, 12:].any()


def test_the_trainers_random_numbers_stay_as_they_are(draw):
    def state_before_and_after(trainer):
        trainer.add_event_handler(Events.EPOCH_STARTED(once=2), lambda: states.append(torch.get_rng_state()))
        trainer.add_event_handler(Events.EPOCH_STARTED(once=3), lambda: states.append(torch.get_rng_state()))

    states = []
    draw(interval=1, prepare=state_before_and_after, max_epochs=3)
    assert torch.equal(*states)


def test_a_grid_has_each_image_at_its_place():
    images = torch.rand(5, 3, 4, 6)
    grid = image_grid(images, columns=2)
    assert grid.shape == (3, 12, 12)
    assert torch.equal(grid[:, 4:8, 6:], images[3])
    assert torch.equal(grid[:, 8:, :6], images[4])


def test_a_picture_is_grey_or_in_colour(tmp_path):
    for channels, mode in ((1, "L"), (3, "RGB")):
        image = torch.rand(channels, 5, 7)
        write_png(tmp_path / "a/picture.png", image)
        read = Image.open(tmp_path / "a/picture.png")
        assert read.mode == mode
        pixels = np.asarray(read).reshape(5, 7, channels).transpose(2, 0, 1)
        np.testing.assert_allclose(pixels / 255, image.numpy(), atol=0.5 / 255 + 1e-6)
