import json
import re

import pytest

from monai_vq import __main__ as command
from monai_vq import __version__


def test_every_module_with_a_command_has_a_line_of_its_own(capsys, request):
    assert command.main([]) == 0
    shown = capsys.readouterr().out
    root = request.config.rootpath
    folders = {path.parent for package in command.PACKAGES for path in (root / package).rglob("__main__.py")}
    names = {".".join(folder.relative_to(root).parts) for folder in folders} - {"monai_vq"}
    assert {
        "data_prep",
        "monai_vq.study",
        "monai_vq.report",
        "monai_vq.export",
        "monai_vq.benchmark",
        "monai_vq.decode",
    } <= names
    for name in names:
        assert re.search(rf"^  {re.escape(name)} +\w", shown, re.MULTILINE), name


def test_every_bundle_that_runs_has_the_beginning_of_its_description(capsys, request):
    command.main([])
    shown = capsys.readouterr().out
    for path in (request.config.rootpath / "bundles").glob("*.json"):
        config = json.loads(path.read_text())
        assert (f"  {path.stem} " in shown) == ("run" in config and not path.stem.startswith("common"))
    assert "A causal transformer as prior" in shown
    assert "Run: python" not in shown


def test_an_installed_package_says_where_the_bundles_are(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "__file__", str(tmp_path / "site-packages/monai_vq/__main__.py"))
    monkeypatch.chdir(tmp_path)
    command.main([])
    assert "in the folder bundles of the project's repository" in capsys.readouterr().out


def test_the_version_is_the_packages(capsys):
    with pytest.raises(SystemExit) as exit_:
        command.main(["--version"])
    assert exit_.value.code == 0
    assert capsys.readouterr().out == f"monai_vq {__version__}\n"
