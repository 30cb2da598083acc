from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from monai_vq.anomaly.lesions import SURFACE_MM, TESTING, TEXTURE, TUNING, plant_lesions
from monai_vq.errors import InputError

SPACING, SLICE_MM = (2.0, 2.5), 3.0


@pytest.fixture(scope="module")
def head() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A grey ellipsoid of 140 x 180 x 150 mm in 40 slices with a dark hole in it, its mask, and the slices' places."""
    positions = np.arange(40) * SLICE_MM
    S, H, W = np.meshgrid(positions - 58.5, np.arange(96) * 2.0 - 95, np.arange(72) * 2.5 - 89, indexing="ij")
    foreground = (S / 70) ** 2 + (H / 90) ** 2 + (W / 75) ** 2 < 1
    hole = (np.abs(W) < 15) & (np.abs(H) < 60)
    return np.where(foreground & ~hole, 0.5, 0).astype(np.float32), foreground, positions


def plant(head, lesion_set, scan_id="scan", **options):
    return plant_lesions(*head, SPACING, lesion_set, scan_id, **options)


@pytest.mark.parametrize("lesion_set", [TUNING, TESTING], ids=lambda s: s.name)
def test_a_lesion_of_each_kind_and_strength_in_its_half_below_the_surface(head, lesion_set):
    planted = plant(head, lesion_set)
    wanted = [(kind, value) for kind, values in lesion_set.strengths.items() for value in values]
    assert [(lesion.kind, lesion.strength) for lesion in planted.lesions] == wanted
    assert set(np.unique(planted.labels)) == set(range(len(wanted) + 1))
    assert {lesion.radius_mm for lesion in planted.lesions} <= set(lesion_set.radii_mm)
    rows = np.flatnonzero(planted.mask.any(axis=(0, 2)))
    assert rows.max() < 48 if lesion_set.half == "upper" else rows.min() > 47
    depth = np.stack([ndimage.distance_transform_edt(one, SPACING) for one in head[1]])
    assert depth[planted.mask].min() > SURFACE_MM - 2.5


def test_tuning_and_testing_share_nothing():
    strengths = [{value for values in s.strengths.values() for value in values} for s in (TUNING, TESTING)]
    assert not strengths[0] & strengths[1]
    assert not set(TUNING.radii_mm) & set(TESTING.radii_mm)
    assert TUNING.half != TESTING.half


def test_only_the_lesions_are_changed_and_as_their_kind_says(head):
    planted, images = plant(head, TESTING), head[0]
    changed = planted.images != images
    assert not (changed & ~ndimage.binary_dilation(planted.mask, np.ones((3, 3, 3)), iterations=2)).any()
    for number, lesion in enumerate(planted.lesions, start=1):
        inside = ndimage.binary_erosion(planted.labels == number)
        inside &= images > 0  # in the hole nothing gets darker
        if inside.sum() < 20:
            continue
        added = (planted.images - images)[inside]
        if lesion.kind == TEXTURE:
            assert added.std() == pytest.approx(lesion.strength, rel=0.5)
            assert abs(added.mean()) < lesion.strength
        else:
            assert np.median(added) == pytest.approx(lesion.strength, abs=1e-3)


def test_a_lesion_has_the_volume_of_its_radius(head):
    sizes = {radius: [] for radius in TUNING.radii_mm}
    for scan in range(12):
        planted = plant(head, TUNING, f"scan{scan}")
        for number, lesion in enumerate(planted.lesions, start=1):
            sizes[lesion.radius_mm].append((planted.labels == number).sum() * SPACING[0] * SPACING[1] * SLICE_MM)
    for radius, volumes in sizes.items():
        assert np.median(volumes) == pytest.approx(4 / 3 * np.pi * radius**3, rel=0.2)


def test_lesions_span_neighbouring_slices_in_one_piece(head):
    planted = plant(head, TESTING)
    for number in range(1, len(planted.lesions) + 1):
        _, parts = ndimage.label(planted.labels == number)
        assert parts == 1
    assert max(np.unique(np.nonzero(planted.labels == n)[0]).size for n in (1, 2, 3, 4, 5, 6)) > 2


def test_equal_seeds_equal_lesions_and_scans_differ(head):
    one, again = plant(head, TESTING), plant(head, TESTING)
    np.testing.assert_array_equal(one.images, again.images)
    assert one.lesions == again.lesions
    assert plant(head, TESTING, "another").lesions != one.lesions
    assert plant(head, TESTING, seed=1).lesions != one.lesions


def test_a_lesion_sits_in_tissue(head):
    dark = head[0].copy()
    dark[:, :, :36] = 0.1
    for seed in range(5):
        for lesion in plant((dark, *head[1:]), TUNING, seed=seed).lesions:
            assert lesion.centre[2] >= 34


def test_a_head_too_small_for_any_lesion_is_refused(head):
    small = head[1] & (np.indices(head[1].shape)[1] > 80)
    with pytest.raises(InputError, match="scan tiny has no site for a lesion of 4 mm in its upper half"):
        plant((head[0], small, head[2]), TUNING, "tiny")


def test_of_the_radii_one_that_fits_is_taken(head):
    huge = replace(TUNING, radii_mm=(4.0, 200.0))
    assert {lesion.radius_mm for lesion in plant(head, huge).lesions} == {4.0}
