import numpy as np
import pandas as pd

from monai_vq.anomaly.evaluation import ScanMaps
from monai_vq.anomaly.lesions import Lesion
from monai_vq.engines.anomaly.pictures import PictureStore, choose_lesions, choose_scans, lesion_pictures, scan_picture


def make_scan(number: int, level: float) -> tuple[ScanMaps, np.ndarray]:
    """A scan of three slices; its likelihood map is `level` and highest in the slice 1."""
    foreground = np.ones((3, 8, 8), bool)
    foreground[2] = False
    likelihood = np.full((3, 8, 8), level)
    likelihood[1] += 0.5
    likelihood[2] = 99
    labels = np.zeros((3, 8, 8), np.uint8)
    labels[0, 2, 2], labels[1, 5, 5] = 1, 2
    lesions = (Lesion("hyperintense", 0.3, 3.0, (0, 2, 2)), Lesion("texture", 0.1, 6.0, (1, 5, 5)))
    maps = {"likelihood": likelihood, "restoration": likelihood}
    images = np.random.default_rng(number).random((3, 8, 8))
    return ScanMaps(f"p{number}", "", f"s{number}", foreground, labels, lesions, maps), images


def test_of_each_kind_the_lesion_of_median_auroc_is_chosen():
    aurocs = {"hyperintense": [0.9, 0.7, 0.8], "texture": [0.6, np.nan, 0.5]}
    rows = [
        (method, kind, strength, values[scan] if method == "likelihood" else 1 - values[scan])
        for method in ("likelihood", "restoration")
        for scan in range(3)
        for (kind, values), strength in zip(aurocs.items(), (0.3, 0.1), strict=True)
    ]
    table = pd.DataFrame(rows, columns=["method", "kind", "strength", "auroc"])
    assert choose_lesions(table) == [4, 5]  # of the third scan; of two textures, the lower


def test_a_lesion_is_shown_in_the_slice_of_its_centre_also_from_the_store(tmp_path):
    store = PictureStore(tmp_path)
    for number in range(2):
        for picture in lesion_pictures(*make_scan(number, 0.0)):
            store.add(picture)
    texture, bright = store.take([3, 0])
    assert "hyperintense +0.3, 3 mm\np0" in bright.label
    assert "texture +0.1, 6 mm\np1" in texture.label
    scan, images = make_scan(1, 0.0)
    np.testing.assert_array_equal(texture.image, images[1])
    np.testing.assert_array_equal(texture.lesions, scan.labels[1] > 0)
    np.testing.assert_array_equal(texture.foreground, scan.foreground[1])
    assert texture.maps.keys() == scan.maps.keys()
    np.testing.assert_array_equal(texture.maps["likelihood"], scan.maps["likelihood"][1])


def test_a_scan_is_shown_in_its_highest_slice_of_foreground():
    scan, images = make_scan(0, 0.3)
    picture = scan_picture(scan, images)
    assert picture.label == "s0"
    np.testing.assert_array_equal(picture.image, images[1])


def test_scans_are_ranked_each_once():
    assert choose_scans([0.3, 0.1, 0.9, 0.2]) == [2, 3, 1]
    assert choose_scans([0.3]) == [0]
