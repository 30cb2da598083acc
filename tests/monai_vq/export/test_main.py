from pathlib import Path

import pytest

from monai_vq.export import __main__ as command
from monai_vq.export import bundle as export_bundle


def test_the_command_warns_loudly_and_says_where_the_bundle_is(tiny_stage1, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(export_bundle, "missing_for_onnx", lambda: ["onnx"])
    assert command.main([str(tiny_stage1), "--output_dir", str(tmp_path / "zoo")]) == 0
    shown = capsys.readouterr()
    assert "warning: THE LICENCE OF THE DATA IS NOT KNOWN" in shown.err
    assert f"bundle: {tmp_path / 'zoo'}" in shown.out


def test_a_prior_and_a_folder_that_is_no_run_are_one_line(tiny_prior, tmp_path, capsys):
    for run in (tiny_prior, tmp_path):
        assert command.main([str(run), "--output_dir", str(tmp_path / "zoo")]) == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 2
    assert all(line.startswith("error: ") for line in errors)
    assert not (tmp_path / "zoo").exists()


def test_an_unknown_dataset_is_refused_with_the_known_ones(tmp_path, capsys):
    with pytest.raises(SystemExit):
        command.main([str(tmp_path), "--output_dir", str(Path("zoo")), "--dataset", "ukb"])
    assert "choose from" in capsys.readouterr().err
