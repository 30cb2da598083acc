import numpy as np
import pytest

from data_prep.phantom.shapes import (
    ellipsoid,
    intersection,
    mirrored,
    nearest,
    random_sheets,
    sample_field,
    tube,
    union,
)


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    return np.random.default_rng(0).uniform(-30, 30, (3, 5000)).astype(np.float32)


def test_round_ellipsoid_is_the_exact_distance_to_a_sphere(points):
    expected = np.linalg.norm(points - np.array([[1], [2], [3]]), axis=0) - 10
    np.testing.assert_allclose(ellipsoid(points, (1, 2, 3), (10, 10, 10)), expected, atol=1e-3)


def test_ellipsoid_is_negative_exactly_inside(points):
    inside = (points[0] / 5) ** 2 + (points[1] / 10) ** 2 + (points[2] / 20) ** 2 < 1
    np.testing.assert_array_equal(ellipsoid(points, (0, 0, 0), (5, 10, 20)) < 0, inside)


def test_tube_of_one_radius_is_the_exact_distance_to_its_axis(points):
    along = points[0].clip(-10, 10)
    expected = np.sqrt((points[0] - along) ** 2 + points[1] ** 2 + points[2] ** 2) - 4
    np.testing.assert_allclose(tube(points, [((-10, 0, 0), 4), ((10, 0, 0), 4)]), expected, atol=1e-4)


def test_union_and_intersection_differ_from_minimum_and_maximum_only_at_the_seam(points):
    first, second = ellipsoid(points, (-5, 0, 0), (9, 9, 9)), ellipsoid(points, (5, 0, 0), (9, 9, 9))
    far = np.abs(first - second) >= 3
    np.testing.assert_allclose(union(first, second, seam=3)[far], nearest(first, second)[far], atol=1e-5)
    np.testing.assert_allclose(intersection(first, second, seam=3)[far], np.maximum(first, second)[far], atol=1e-5)
    assert np.all(union(first, second, seam=3) <= nearest(first, second) + 1e-5)
    assert np.all(union(first, second, seam=3) >= nearest(first, second) - 3 / 4 - 1e-5)


def test_mirrored_points_do_not_know_their_side(points):
    np.testing.assert_array_equal(mirrored(points), mirrored(points * np.float32([[-1], [1], [1]])))


def test_random_sheets_are_periodic_and_about_as_far_apart_as_asked():
    field = random_sheets(np.random.default_rng(3), spacing=16, period=100)
    line = np.zeros((3, 8000), np.float32)
    line[0] = np.linspace(0, 800, 8000)  # eight periods, over 16 lines
    crossings = []
    for y in range(0, 96, 6):
        line[1] = y
        values = sample_field(field, line)
        np.testing.assert_allclose(values[:1000], sample_field(field, line + np.float32(100))[:1000], atol=1e-3)
        crossings.append(np.count_nonzero(np.diff(np.sign(values))))
    assert 16 / 2 < 800 / np.mean(crossings) < 16 * 2


def test_sheet_distance_grows_by_a_millimetre_a_millimetre_near_the_sheet():
    field = random_sheets(np.random.default_rng(0), spacing=20, period=80)
    slope = np.linalg.norm(np.gradient(field, 2.5), axis=0)
    assert 0.6 < np.median(slope[np.abs(field) < 1]) < 1.1
