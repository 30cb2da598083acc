from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from monai_vq.report.anomaly_figures import AnomalyPicture, draw_lesions, draw_maps


@pytest.fixture
def picture() -> AnomalyPicture:
    values = np.linspace(0, 1, 20 * 16).reshape(20, 16)
    lesions = np.zeros((20, 16), bool)
    lesions[5:9, 5:9] = True
    return AnomalyPicture("a", values, lesions, np.ones((20, 16), bool), {"likelihood": values})


def test_the_lesion_is_outlined_and_what_is_outside_the_head_is_not_shown(picture):
    drawn = draw_maps([picture])
    assert drawn.startswith("data:image/png")
    assert draw_maps([replace(picture, lesions=np.zeros((20, 16), bool))]) != drawn
    half = picture.foreground.copy()
    half[10:] = False
    outside = picture.maps["likelihood"].copy()
    outside[10:] = 99
    one, other = (replace(picture, foreground=half, maps={"likelihood": m}) for m in (picture.image, outside))
    assert draw_maps([one]) == draw_maps([other])


def test_rows_share_the_scale_of_a_method(picture):
    bright = replace(picture, maps={"likelihood": picture.image * 10})
    assert draw_maps([picture, bright]) != draw_maps([picture, picture])
    doubled = [replace(picture, maps={"likelihood": picture.image * factor}) for factor in (2, 2)]
    assert draw_maps(doubled) == draw_maps([picture, picture])  # a scale has no unit


def test_a_map_of_zeros_and_an_empty_foreground_are_drawn(picture):
    nothing = replace(picture, foreground=np.zeros((20, 16), bool), maps={"likelihood": picture.image * 0})
    assert draw_maps([nothing]).startswith("data:image/png")


def test_every_lesion_is_a_point(picture):
    rows = [("likelihood", "texture", 3.0, 0.8), ("likelihood", "texture", 6.0, 0.9), ("median", "texture", 3.0, 0.5)]
    lesions = pd.DataFrame(rows, columns=["method", "kind", "radius_mm", "auroc"])
    assert draw_lesions(lesions) != draw_lesions(lesions.assign(auroc=[0.8, 0.9, 0.6]))
    unseen = lesions.assign(auroc=[0.8, np.nan, 0.5])
    assert draw_lesions(unseen).startswith("data:image/svg+xml")
