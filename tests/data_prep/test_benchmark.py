import pytest

from data_prep.benchmark import PrepareSpeed, main, time_preparation
from monai_vq.errors import InputError


def test_the_ratio_is_of_preparing_to_reading():
    assert PrepareSpeed(40, 5.0, 2.0, 100.0).ratio == 2.5


def test_every_scan_is_read_and_prepared_and_nothing_is_left(bids_tree, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = sorted(tmp_path.iterdir())
    speed = time_preparation("bids", bids_tree, workers=2)
    assert speed.n_scans == 8
    assert speed.read_seconds > 0
    assert speed.prepare_seconds > 0
    assert sorted(tmp_path.iterdir()) == before


def test_the_program_prints_one_line(bids_tree, capsys):
    main(["bids", "--source", str(bids_tree)])
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("8 scans, 1 process(es): read ")
    with pytest.raises(InputError, match="no folder"):
        main(["bids", "--source", "nowhere"])
