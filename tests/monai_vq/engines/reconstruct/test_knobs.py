import json
from pathlib import Path

import pytest

from monai_vq.engines.knobs import check_knobs
from monai_vq.engines.reconstruct.knobs import RECONSTRUCT_KNOBS
from monai_vq.errors import InputError

BUNDLE = Path(__file__).parents[4] / "bundles/reconstruct.json"


@pytest.fixture
def config():
    return json.loads(BUNDLE.read_text())


def test_the_bundle_has_them_all_and_reads_them(config):
    assert RECONSTRUCT_KNOBS.keys() <= config.keys()
    read = config["reconstruction"]
    assert all(f"@{name}" in read.values() for name in RECONSTRUCT_KNOBS)
    check_knobs(config)


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("dicom_out", "true", True),
        ("dicom_out", "false", False),
        ("slice_range", (0, 1), [0, 1]),
        ("noise", None, None),
    ],
)
def test_words_of_a_command_line_become_values(config, name, given, value):
    config[name] = given
    check_knobs(config)
    assert config[name] == value


@pytest.mark.parametrize(("name", "given"), [("dicom_out", "perhaps"), ("slice_range", "all"), ("input", 7)])
def test_values_of_another_type_are_refused(config, name, given):
    config[name] = given
    with pytest.raises(InputError, match=f"--{name}"):
        check_knobs(config)
