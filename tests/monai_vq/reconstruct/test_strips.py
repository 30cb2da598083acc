import numpy as np

from monai_vq.reconstruct.scan import SlicePicture
from monai_vq.reconstruct.strips import ScanPictures, ShownScans, draw_strip

PICTURE = SlicePicture("middle", 7, 0.9, *(np.full((16, 12), value, np.float32) for value in (0.2, 0.3, 0.6)))


def test_the_worst_scans_are_kept_whatever_their_order():
    shown = ShownScans(limit=3)
    for ssim in (0.9, 0.2, 0.8, float("nan"), 0.5, 0.7):
        shown.see(ScanPictures(f"scan {ssim}", ssim, (PICTURE,)))
    assert [scan.scan_id for scan in shown.scans] == ["scan nan", "scan 0.2", "scan 0.5"]


def test_the_error_shown_is_against_the_clean_slice():
    np.testing.assert_allclose(PICTURE.error, 0.4, rtol=1e-6)


def test_what_the_model_was_given_is_shown_where_it_differs():
    scan = ScanPictures("a", 0.9, (PICTURE,))
    plain, noisy = draw_strip(scan, False), draw_strip(scan, True)
    assert plain.startswith("data:image/png;base64,")
    assert plain != noisy
    assert draw_strip(scan, True) == noisy
