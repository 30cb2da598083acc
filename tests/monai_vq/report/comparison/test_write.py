import dataclasses
import re

import pandas as pd
import pytest

from monai_vq.errors import InputError
from monai_vq.report.comparison.write import public_comparison, write_comparison


def test_writes_a_page_and_two_tables_and_the_same_again(comparison, tmp_path):
    page = write_comparison(comparison, tmp_path / "new" / "out")
    names = ["comparison.csv", "comparison_patients.csv", "index.html"]
    assert sorted(path.name for path in page.parent.iterdir()) == names
    assert pd.read_csv(page.parent / "comparison.csv")["run"].tolist() == ["first", "better", "worse"] * 3
    assert len(pd.read_csv(page.parent / "comparison_patients.csv")) == 3 * 17
    before = [(page.parent / name).read_bytes() for name in names]
    write_comparison(comparison, page.parent)
    assert [(page.parent / name).read_bytes() for name in names] == before


def test_a_public_comparison_names_nobody_and_no_folder(make_content, make_pictures, compare, tmp_path):
    pictures = make_pictures([("best", "sub-test01", 2)])
    runs = {name: make_content(seed=seed, pictures=pictures) for seed, name in enumerate(("Mercy_vq", "Mercy_vae"))}
    page = write_comparison(compare(**runs), tmp_path, public=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["comparison.csv", "index.html"]
    for path in tmp_path.iterdir():
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"sub-|Mercy|hospital|ses-01", text)
        assert "run 1" in text
        assert "run 2" in text
    assert "application/json" not in page.read_text(encoding="utf-8")
    assert "data:image/png" not in page.read_text(encoding="utf-8")


def test_in_public_small_splits_and_counts_of_few_patients_are_left_out(comparison, tmp_path):
    write_comparison(comparison, tmp_path, public=True)
    table = pd.read_csv(tmp_path / "comparison.csv")
    assert table["split"].drop_duplicates().tolist() == ["test", "train"]  # val has three patients
    assert not [name for name in table if name.endswith(("_better", "_worse"))]
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "3 patients" not in text
    assert "<th>better</th>" not in text


def test_public_scores_are_those_of_the_private_page_to_four_digits(comparison, tmp_path):
    for name, public in (("private", False), ("public", True)):
        write_comparison(comparison, tmp_path / name, public)
    private, public = (pd.read_csv(tmp_path / name / "comparison.csv") for name in ("private", "public"))
    kept = private[private["split"] != "val"].reset_index(drop=True)
    columns = [name for name in public if name != "run"]
    pd.testing.assert_frame_equal(public[columns], kept[columns], rtol=6e-4)
    assert all(f"{value:.4g}" == f"{value:.9g}" for value in public["mse"])


def test_in_public_a_score_that_one_run_lacks_of_one_patient_has_no_difference(make_content, compare, tmp_path):
    """The difference over five pairs, beside the mean over all six, would be the sixth patient's score."""
    content = make_content(seed=2)
    model = content.scores.model
    lacking = model.assign(ssim_foreground=model["ssim_foreground"].mask(model["patient_id"] == "sub-test01"))
    other = dataclasses.replace(content, scores=dataclasses.replace(content.scores, model=lacking))
    write_comparison(compare(a=make_content(), b=other), tmp_path, public=True)
    table = pd.read_csv(tmp_path / "comparison.csv").set_index(["split", "run"])
    assert table.loc[("test", "run 2")].filter(regex="^ssim_foreground").isna().all()
    assert table.loc[("test", "run 1"), "ssim_foreground"] > 0
    assert table.loc[("test", "run 2"), ["ssim", "ssim_difference", "psnr_difference"]].notna().all()


def test_nothing_but_small_splits_is_refused(comparison):
    def few(run):
        scores = run.content.scores
        rows = scores.model[scores.model["patient_id"].isin(["sub-test00", "sub-train00"])]
        return dataclasses.replace(
            run, content=dataclasses.replace(run.content, scores=dataclasses.replace(scores, model=rows))
        )

    runs = [few(run) for run in comparison.runs]
    with pytest.raises(InputError, match="No split has 5 patients"):
        public_comparison(dataclasses.replace(comparison, runs=runs, reference=runs[0]))
