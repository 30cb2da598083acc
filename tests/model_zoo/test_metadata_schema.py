import json
from copy import deepcopy
from importlib.util import find_spec

import pytest

pytestmark = pytest.mark.skipif(find_spec("jsonschema") is None, reason="jsonschema is not installed")


@pytest.fixture(scope="module")
def validate(schema_file):
    from jsonschema import Draft202012Validator

    schema = json.loads(schema_file.read_text())
    Draft202012Validator.check_schema(schema)
    return lambda metadata: [error.json_path for error in Draft202012Validator(schema).iter_errors(metadata)]


@pytest.fixture(scope="module")
def metadata(zoo_bundle) -> dict:
    return json.loads((zoo_bundle / "configs/metadata.json").read_text())


def test_the_exported_metadata_and_that_of_the_bundles_are_valid(validate, metadata, request):
    assert validate(metadata) == []
    assert validate(json.loads((request.config.rootpath / "bundles/metadata.json").read_text())) == []


@pytest.mark.parametrize("field", ["schema", "changelog", "task", "authors", "network_data_format", "numpy_version"])
def test_a_missing_field_is_found(validate, metadata, field):
    assert validate({name: value for name, value in metadata.items() if name != field}) == ["$"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("num_channels", "1"),
        ("spatial_shape", [128, 0]),
        ("spatial_shape", ["import os"]),
        ("type", "picture"),
        ("value_range", [0]),
        ("is_patch_data", "false"),
        ("channel_def", {"first": "image"}),
        ("dtype", "double"),
    ],
)
def test_a_tensor_that_is_described_wrongly_is_found(validate, metadata, field, value):
    wrong = deepcopy(metadata)
    wrong["network_data_format"]["inputs"]["image"][field] = value
    assert len(validate(wrong)) == 1
    assert field in validate(wrong)[0]
