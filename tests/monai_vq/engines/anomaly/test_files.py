from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from monai_vq.anomaly.evaluation import PRIOR_METHODS, ScanMaps
from monai_vq.engines.anomaly.files import scan_row, write_tables


def test_a_row_is_of_the_foreground_alone():
    foreground = np.zeros((2, 6, 5), bool)
    foreground[:, 1:4, 1:4] = True
    inside = np.random.default_rng(0).random((2, 6, 5))
    maps = {method: np.where(foreground, inside + number, 99) for number, method in enumerate(PRIOR_METHODS)}
    scan_maps = ScanMaps("p", "s", "scan", foreground, np.zeros(foreground.shape, np.uint8), (), maps)
    row = scan_row(SimpleNamespace(maps=scan_maps, bits_per_pixel=0.5))
    assert (row["patient_id"], row["scan_id"], row["n_slices"], row["bits_per_pixel"]) == ("p", "scan", 2, 0.5)
    for number, method in enumerate(PRIOR_METHODS):
        assert row[f"{method}_mean"] == pytest.approx(inside[foreground].mean() + number)
        assert row[f"{method}_p99"] == pytest.approx(np.quantile(inside[foreground], 0.99) + number)


def test_tables_are_read_back_also_empty_ones(tmp_path):
    table = pd.DataFrame({"scan_id": ["a", "b"], "auroc": [0.123456789012, 0.5]})
    write_tables(tmp_path, {"some": table, "none": pd.DataFrame(columns=["split", "reason"])})
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "some.csv"), table, rtol=1e-8)
    assert list(pd.read_csv(tmp_path / "none.csv")) == ["split", "reason"]
