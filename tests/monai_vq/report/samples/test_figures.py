import base64
import io

import numpy as np
import torch
from PIL import Image

from monai_vq.report.samples.figures import GAP, draw_contact_sheet, draw_pair, draw_similarities


def pixels(uri):
    kind, data = uri.split(",")
    assert kind == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


def test_a_sheet_shows_every_image_pixel_by_pixel():
    images = torch.rand(5, 1, 6, 4, generator=torch.Generator().manual_seed(0))
    sheet = pixels(draw_contact_sheet(images, columns=3))
    assert sheet.shape == (2 * 6 + GAP, 3 * 4 + 2 * GAP)
    expected = (images[4, 0] * 255).round().byte().numpy()
    assert np.array_equal(sheet[6 + GAP :, 4 + GAP : 8 + GAP], expected)
    assert (sheet[6 + GAP :, 8 + 2 * GAP :] == 255).all()


def test_a_pair_in_colour_is_the_sample_and_its_neighbour():
    sample, neighbour = torch.zeros(3, 6, 4), torch.tensor([1.0, 0.5, 0.0])[:, None, None].expand(3, 6, 4)
    pair = pixels(draw_pair(sample, neighbour))
    assert (pair[:, :4] == 0).all()
    assert (pair[:, 4 + GAP :] == [255, 128, 0]).all()


def test_similarities_are_drawn_the_same_each_time(scores):
    assert draw_similarities(scores).startswith("data:image/svg+xml;base64,")
    assert draw_similarities(scores) == draw_similarities(scores)
