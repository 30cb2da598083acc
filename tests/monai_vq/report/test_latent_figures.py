import numpy as np
import pytest

from monai_vq.metrics import GainHistogram
from monai_vq.report.gains import GainReport
from monai_vq.report.latent_figures import draw_codebook, draw_codewords, draw_gains

SVG = "data:image/svg+xml"


def test_order_of_codes_does_not_matter():
    counts = np.arange(16)
    assert draw_codebook({"test": counts}) == draw_codebook({"test": counts[::-1]})
    assert draw_codebook({"test": counts}) != draw_codebook({"test": np.full(16, 5)})


def test_codewords_are_drawn_with_their_use():
    rng = np.random.default_rng(0)
    codewords, counts = rng.normal(size=(32, 8)), np.arange(32)
    drawn = draw_codewords(codewords, counts)
    assert drawn == draw_codewords(codewords, counts)
    assert drawn != draw_codewords(codewords, counts[::-1])
    assert drawn != draw_codewords(codewords[::-1], counts)


@pytest.mark.parametrize("counts", [np.full(32, 7), np.eye(32, dtype=int)[3], np.eye(32, dtype=int)[3:5].sum(0)])
@pytest.mark.filterwarnings("error")
def test_even_and_collapsed_use_can_be_drawn(counts):
    codewords = np.random.default_rng(0).normal(size=(32, 8))
    assert draw_codewords(codewords, counts).startswith(SVG)
    assert draw_codewords(np.ones((32, 8)), counts).startswith(SVG)


@pytest.mark.parametrize("groups", [1, 2, 5])
@pytest.mark.filterwarnings("error")
def test_a_group_has_a_panel_and_levels_are_marked(groups):
    values = np.linspace(-1, 3, 400)
    histogram = GainHistogram(values, np.tile(np.round(1000 * np.exp(-((values - 1) ** 2))), (groups, 1)).astype(int))
    levels = np.tile(np.linspace(-0.5, 2.5, 16), (groups, 1))
    free, rounded = draw_gains(GainReport("test", histogram)), draw_gains(GainReport("test", histogram, levels))
    assert free.startswith(SVG)
    assert free != rounded
    assert rounded != draw_gains(GainReport("test", histogram, levels + 0.25))


def test_one_gain_for_all_positions_can_be_drawn():
    histogram = GainHistogram(np.array([1.0]), np.array([[50]]))
    assert draw_gains(GainReport("test", histogram)).startswith(SVG)
