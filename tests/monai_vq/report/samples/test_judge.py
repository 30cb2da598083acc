import pandas as pd
import pytest

from monai_vq.errors import InputError
from monai_vq.report.samples import judge


def test_writes_the_page_and_both_tables(tmp_path, samples, train, heldout):
    folder = tmp_path / "new" / "samples"
    scores = judge(samples, train, heldout, folder, condition="diagnosis", title="Samples of a test")
    assert sorted(path.name for path in folder.iterdir()) == ["index.html", "sample_scores.csv", "samples.csv"]
    assert "Samples of a test" in (folder / "index.html").read_text(encoding="utf-8")
    rows = pd.read_csv(folder / "samples.csv")
    assert rows["similarity"].to_numpy() == pytest.approx(scores.neighbours["similarity"].to_numpy())
    assert rows["sample"].tolist() == list(range(36))
    values = pd.read_csv(folder / "sample_scores.csv").set_index("score")["value"]
    assert values["memorisation_p"] == pytest.approx(scores.memorisation.p)


def test_equal_arguments_give_equal_files(tmp_path, samples, train, heldout):
    for name in ("a", "b"):
        judge(samples, train, heldout, tmp_path / name)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_nothing_is_written_of_what_cannot_be_judged(tmp_path, samples, train, heldout):
    with pytest.raises(InputError, match="no column 'site'"):
        judge(samples, train, heldout, tmp_path / "out", condition="site")
    assert not (tmp_path / "out").exists()
