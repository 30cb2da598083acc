import numpy as np
import pandas as pd
import pytest

from monai_vq.errors import InputError
from monai_vq.metrics.bootstrap import patient_interval
from monai_vq.metrics.latent_format import LatentFormat
from monai_vq.report.tables import SCORES, SLICE_COLUMNS, patient_table, slice_table, split_table, write_tables

LATENT = LatentFormat((32, 32), (128, 128), 16, 1, 9)  # 13 bits a position: the 0.8125 of the fixture's slices


@pytest.fixture
def slice_rows(slices):
    return slice_table(slices)


def test_slices_are_ordered_whatever_the_order_of_scoring(slices, slice_rows):
    pd.testing.assert_frame_equal(slice_table(slices.iloc[::-1]), slice_rows)
    assert slice_rows["split"].drop_duplicates().tolist() == ["train", "val", "test"]
    assert slice_rows.columns.tolist() == SLICE_COLUMNS


def test_a_patient_is_the_mean_of_its_slices_over_sessions(slices, slice_rows):
    patients = patient_table(slice_rows)
    own = slices[slices["patient_id"] == "sub-val01"]
    row = patients[patients["patient_id"] == "sub-val01"].iloc[0]
    assert row["n_slices"] == len(own) == 10
    assert row["ssim"] == pytest.approx(own["ssim"].mean())
    assert patients.columns.tolist()[:3] == ["split", "patient_id", "ssim"]


def test_slices_without_foreground_are_left_out_of_their_patient_only(slice_rows):
    slice_rows.loc[0, "ssim_foreground"] = np.nan
    patient = slice_rows["patient_id"][0]
    expected = slice_rows.loc[slice_rows["patient_id"] == patient, "ssim_foreground"].dropna().mean()
    assert patient_table(slice_rows)["ssim_foreground"].iloc[0] == pytest.approx(expected)


def test_a_split_weights_patients_equally_whatever_their_slices(slice_rows):
    first = slice_rows[slice_rows["patient_id"] == "sub-test00"].head(1)
    rows = pd.concat([slice_rows[slice_rows["patient_id"] != "sub-test00"], first])
    patients = patient_table(rows)
    test = split_table(patients, rows).set_index("split").loc["test"]
    scores = patients.loc[patients["split"] == "test", "ssim"]
    assert test["ssim"] == pytest.approx(scores.mean())
    assert (test["ssim_low"], test["ssim_high"]) == patient_interval(scores)
    assert (test["n_patients"], test["n_slices"]) == (4, 31)


def test_split_columns_and_order(slice_rows):
    splits = split_table(patient_table(slice_rows), slice_rows, latent=LATENT, code_counts={})
    assert splits["split"].tolist() == ["train", "val", "test"]
    expected = ["split", *SCORES, "bits_per_pixel", "n_patients", "n_slices", "bits_per_pixel_entropy"]
    expected += ["codebook_usage", "codebook_perplexity"]
    expected += [f"{name}_{side}" for name in [*SCORES, "bits_per_pixel"] for side in ("low", "high")]
    assert splits.columns.tolist() == expected
    assert splits[["bits_per_pixel_entropy", "codebook_usage"]].isna().all(axis=None)


def test_rate_by_entropy_scores_held_out_codes_under_the_training_histogram(slice_rows):
    counts = {"train": np.full(16, 1000), "val": np.eye(16, dtype=int)[0] * 50, "test": np.full(16, 2)}
    splits = split_table(patient_table(slice_rows), slice_rows, latent=LATENT, code_counts=counts).set_index("split")
    # a uniform histogram gives 4 bits a code to whatever is scored under it
    assert splits["bits_per_pixel_entropy"].tolist() == pytest.approx([0.8125] * 3)
    assert splits["codebook_usage"].tolist() == [1, 1 / 16, 1]
    counts["train"] = np.array([1000] * 8 + [0] * 8)  # 3 bits a code instead of 4
    splits = split_table(patient_table(slice_rows), slice_rows, latent=LATENT, code_counts=counts).set_index("split")
    assert splits["bits_per_pixel_entropy"]["val"] == pytest.approx(0.8125 - 1 / 16, abs=1e-4)


def test_a_rate_that_varies_by_slice_is_averaged_over_patients_with_an_interval(slice_rows):
    rng = np.random.default_rng(0)
    rows = slice_rows.assign(bits_per_pixel=rng.uniform(0.5, 2, len(slice_rows)))
    patients = patient_table(rows)
    own = rows[rows["patient_id"] == "sub-test00"]["bits_per_pixel"]
    assert patients.set_index("patient_id")["bits_per_pixel"]["sub-test00"] == pytest.approx(own.mean())
    rates = patients[patients["split"] == "test"]["bits_per_pixel"]
    test = split_table(patients, rows).set_index("split").loc["test"]
    assert test["bits_per_pixel"] == pytest.approx(rates.mean())
    assert (test["bits_per_pixel_low"], test["bits_per_pixel_high"]) == patient_interval(rates)


@pytest.mark.parametrize("rate", [np.log2(500) / 16, 0.1, np.nan])
def test_a_rate_that_does_not_vary_has_itself_for_an_interval(slice_rows, rate):
    rows = slice_rows.assign(bits_per_pixel=rate)
    splits = split_table(patient_table(rows), rows)
    assert splits[["bits_per_pixel_low", "bits_per_pixel_high"]].to_numpy() == pytest.approx(rate, nan_ok=True)


def test_files_round_trip_and_no_temporary_file_stays(tmp_path, slice_rows):
    patients = patient_table(slice_rows)
    tables = (slice_rows, patients, split_table(patients, slice_rows))
    paths = write_tables(tmp_path / "report", *tables)
    assert [path.name for path in paths] == ["ssim_slices.csv", "ssim_patients.csv", "ssim_splits.csv"]
    assert sorted(paths) == sorted((tmp_path / "report").iterdir())
    for path, table in zip(paths, tables, strict=True):
        pd.testing.assert_frame_equal(pd.read_csv(path), table, check_dtype=False, rtol=1e-8)


def test_a_failed_write_leaves_the_old_file(tmp_path, slice_rows, monkeypatch):
    patients = patient_table(slice_rows)
    (path, *_) = write_tables(tmp_path, slice_rows, patients, patients)
    before = path.read_bytes()

    def fail(*_args, **_kwargs):
        raise OSError("disk full")

    monkeypatch.setattr("pathlib.Path.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_tables(tmp_path, slice_rows.head(1), patients, patients)
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.drop(columns="mae"), r"lack the columns \['mae'\]"),
        (lambda rows: rows.replace({"split": {"val": "validation"}}), "Unknown splits"),
        (lambda rows: rows.replace({"patient_id": {"sub-val00": "sub-test00"}}), "more than one split"),
    ],
)
def test_refuses_tables_that_cannot_be_reported(slices, change, message):
    with pytest.raises(InputError, match=message):
        slice_table(change(slices))
