import json

import numpy as np
import pandas as pd
import pytest

from monai_vq.errors import InputError
from monai_vq.metrics import GainHistogram
from monai_vq.report.content import PEOPLE_COLUMNS, ReportContent, nobody
from monai_vq.report.gains import GainReport
from monai_vq.report.pictures import PatientPicture
from monai_vq.report.scores import RunScores
from monai_vq.report.stored import read_content, write_content
from monai_vq.report.tables import slice_table


@pytest.fixture
def content(scores):
    rng = np.random.default_rng(0)
    people = pd.DataFrame(
        [
            ("007", "", "007_a", "NA", "F", np.nan, "", "oasis1"),
            ("sub-val00", "ses-01", "x", "CN", "", 71.5, "S1", "oasis1"),
        ],
        columns=PEOPLE_COLUMNS,
    )
    histogram = GainHistogram(np.array([0.0, 1.0]), np.array([[3, 4]]))
    return ReportContent(
        scores,
        people,
        history=pd.DataFrame({"epoch": [1, 2], "val_ssim": [0.5, np.nan]}),
        pictures=[PatientPicture("best", "test", "p", "s", 3, 0.9, rng.random((24, 20)), rng.random((24, 20)))],
        codewords=rng.normal(size=(16, 3)).astype(np.float32),
        gains=GainReport("test", histogram, np.array([[0.0, 1.0]])),
        settings={"trained": "2 epochs", "settings": {"seed": 0, "image_size": [32, 32]}},
        title="Reconstruction report: café",
        unit="scan",
    )


def test_comes_back_as_it_was(tmp_path, content):
    write_content(tmp_path / "report", content)
    read = read_content(tmp_path)
    pd.testing.assert_frame_equal(read.scores.model, slice_table(content.scores.model), check_exact=True)
    assert list(read.scores.baselines) == list(content.scores.baselines)
    for name, rows in content.scores.baselines.items():
        pd.testing.assert_frame_equal(read.scores.baselines[name], slice_table(rows), check_exact=True)
    assert read.scores.latent == content.scores.latent
    assert {split: counts.tolist() for split, counts in read.scores.code_counts.items()} == {
        split: counts.tolist() for split, counts in content.scores.code_counts.items()
    }
    pd.testing.assert_frame_equal(read.people, content.people)
    pd.testing.assert_frame_equal(read.history, content.history)
    np.testing.assert_array_equal(read.codewords, content.codewords)
    assert read.gains.rows() == content.gains.rows()
    assert (read.settings, read.title, read.unit) == (content.settings, content.title, content.unit)


def test_pictures_come_back_to_half_a_shade(tmp_path, content):
    write_content(tmp_path / "report", content)
    (read,), (picture,) = read_content(tmp_path).pictures, content.pictures
    assert read.x == pytest.approx(picture.x, abs=0.5 / 65535 + 1e-7)
    assert read.x_hat == pytest.approx(picture.x_hat, abs=0.5 / 65535 + 1e-7)
    assert (read.rank, read.scan_id, read.slice_index, read.ssim) == ("best", "s", 3, 0.9)


def test_writing_what_was_read_gives_the_same_bytes(tmp_path, content):
    first = write_content(tmp_path / "a" / "report", content)
    second = write_content(tmp_path / "b" / "report", read_content(tmp_path / "a"))
    for path in first.iterdir():
        assert path.read_bytes() == (second / path.name).read_bytes()


def test_an_autoencoders_content_has_neither_codes_nor_gains(tmp_path, scores):
    write_content(tmp_path / "report", ReportContent(RunScores(scores.model, scores.latent)))
    read = read_content(tmp_path)
    assert (read.codewords, read.gains, read.history, read.pictures) == (None, None, None, [])
    assert read.scores.code_counts == read.scores.baselines == {}
    pd.testing.assert_frame_equal(read.people, nobody(), check_dtype=False, check_index_type=False)


def test_a_second_write_leaves_nothing_of_the_first(tmp_path, content, scores):
    write_content(tmp_path / "report", content)
    write_content(tmp_path / "report", ReportContent(scores))
    names = sorted(path.name for path in (tmp_path / "report").rglob("*") if path.is_file())
    assert names == ["arrays.npz", "content.json", "people.csv"]


def test_a_failed_write_leaves_the_old_content(tmp_path, content, scores):
    folder = write_content(tmp_path / "report", content)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    one_less = {"blurred input": scores.baselines["blurred input"].iloc[1:]}
    with pytest.raises(InputError, match="'blurred input' was scored on other slices"):
        write_content(tmp_path / "report", ReportContent(RunScores(scores.model, scores.latent, {}, one_less)))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["content"]


def test_a_run_without_stored_content_is_refused_with_the_remedy(tmp_path):
    with pytest.raises(InputError, match=r"no stored report .*--resume true"):
        read_content(tmp_path)


def test_content_of_another_version_is_refused(tmp_path, content):
    path = write_content(tmp_path / "report", content) / "content.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema_version": 0}))
    with pytest.raises(InputError, match="has schema version 0, expected 1"):
        read_content(tmp_path)


def test_forty_slices_of_a_hundred_patients_take_little_room(tmp_path, scores):
    rng = np.random.default_rng(0)
    rows = scores.model.head(1).loc[np.zeros(4000, dtype=int)].reset_index(drop=True)
    rows["slice_index"] = np.arange(4000)
    for name in ("ssim", "ssim_foreground", "psnr", "mse", "mae"):
        rows[name] = rng.random(4000)
    folder = write_content(tmp_path / "report", ReportContent(RunScores(rows, scores.latent)))
    assert (folder / "arrays.npz").stat().st_size < 5 * 4000 * 8 * 1.1


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema_version": 1, '])
def test_content_that_was_cut_off_is_refused_with_the_remedy(tmp_path, content, text):
    path = write_content(tmp_path / "report", content) / "content.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"content.json is damaged .*--resume true"):
        read_content(tmp_path)


@pytest.mark.parametrize("kept", [0, 2, 2000])
def test_arrays_that_were_cut_off_are_refused_with_the_remedy(tmp_path, content, kept):
    path = write_content(tmp_path / "report", content) / "arrays.npz"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match=r"arrays.npz is damaged .*--resume true"):
        read_content(tmp_path)
