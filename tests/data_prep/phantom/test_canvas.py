import numpy as np

from data_prep.phantom.canvas import Canvas, Tissue


def test_a_layer_covers_its_inside_half_at_its_boundary_and_nothing_far_away():
    canvas = Canvas.empty(4)
    canvas.paint(np.float32([-5, -0.01, 0.01, 5]), 0.8, Tissue.WHITE)
    np.testing.assert_allclose(canvas.contrast, [0.8, 0.4, 0.4, 0], atol=0.01)
    assert canvas.labels.tolist() == [Tissue.WHITE, Tissue.WHITE, Tissue.AIR, Tissue.AIR]


def test_the_last_layer_is_on_top():
    canvas = Canvas.empty(1)
    for tissue, value in ((Tissue.BONE, 0.1), (Tissue.CSF, 0.2)):
        canvas.paint(np.float32([-9]), value, tissue)
    np.testing.assert_allclose(canvas.contrast, [0.2])
    assert canvas.labels.tolist() == [Tissue.CSF]


def test_a_part_is_painted_in_place_and_the_rest_left_alone():
    canvas = Canvas.empty(3)
    with canvas.part(np.array([True, False, True])) as part:
        part.paint(np.float32([-9, -9]), 1.0, Tissue.SOFT)
    assert canvas.contrast.tolist() == [1, 0, 1]
    assert canvas.labels.tolist() == [Tissue.SOFT, Tissue.AIR, Tissue.SOFT]
