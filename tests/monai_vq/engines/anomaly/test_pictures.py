import numpy as np
import pandas as pd

from monai_vq.anomaly.evaluation import ScanMaps
from monai_vq.anomaly.lesions import Lesion
from monai_vq.engines.anomaly.pictures import lesion_pictures, scan_pictures


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


def test_of_each_kind_the_lesion_of_median_auroc_is_shown():
    scans, images = zip(*[make_scan(number, 0.0) for number in range(3)], strict=True)
    aurocs = {"hyperintense": [0.9, 0.7, 0.8], "texture": [0.6, np.nan, 0.5]}
    rows = [
        (method, kind, strength, values[scan] if method == "likelihood" else 1 - values[scan])
        for method in ("likelihood", "restoration")
        for scan in range(3)
        for (kind, values), strength in zip(aurocs.items(), (0.3, 0.1), strict=True)
    ]
    table = pd.DataFrame(rows, columns=["method", "kind", "strength", "auroc"])
    bright, texture = lesion_pictures(scans, images, table)
    assert "hyperintense +0.3, 3 mm\np2" in bright.label
    assert "texture +0.1, 6 mm\np2" in texture.label  # of two, the lower
    np.testing.assert_array_equal(bright.image, images[2][0])
    np.testing.assert_array_equal(texture.lesions, scans[2].labels[1] > 0)


def test_scans_are_ranked_by_their_foreground_each_once():
    scans, images = zip(*[make_scan(number, level) for number, level in enumerate((0.3, 0.1, 0.9, 0.2))], strict=True)
    shown = scan_pictures(scans, images)
    assert [picture.label for picture in shown] == ["s2", "s3", "s1"]
    np.testing.assert_array_equal(shown[0].image, images[2][1])
    assert [picture.label for picture in scan_pictures(scans[:1], images[:1])] == ["s0"]
