import math

import numpy as np
import pytest

from monai_vq.metrics import GainHistogram
from monai_vq.report import GainReport


def test_rows_say_how_gains_spread():
    histogram = GainHistogram(np.array([1.0, 3.0]), np.array([[1, 1], [3, 1]]))
    first, second = GainReport("test", histogram).rows()
    assert (first["group"], first["number"], first["mean"], first["sd"]) == (1, 2, 2, 1)
    assert (second["group"], second["number"], second["mean"], second["sd"]) == (2, 4, 1.5, pytest.approx(0.75**0.5))
    assert math.isnan(first["entropy_bits"])
    assert GainReport("test", histogram).gain_bits is None


@pytest.mark.parametrize(
    ("counts", "entropy", "used"),
    [([5, 5, 5, 5], 2, 1), ([0, 7, 0, 0], 0, 0.25), ([2, 1, 1, 0], 1.5, 0.75)],
)
def test_the_entropy_of_rounded_gains_is_at_most_their_bits(counts, entropy, used):
    levels = np.array([[-1.0, 0.0, 0.5, 2.0]])
    report = GainReport("test", GainHistogram(levels[0], np.array([counts])), levels)
    (row,) = report.rows()
    assert report.gain_bits == 2
    assert (row["entropy_bits"], row["levels_used"]) == (pytest.approx(entropy), used)


def test_a_split_without_gains_is_empty():
    assert GainReport("test", GainHistogram(np.zeros(0), np.zeros((1, 0), dtype=int))).is_empty
    assert not GainReport("test", GainHistogram(np.ones(1), np.ones((1, 1), dtype=int))).is_empty
