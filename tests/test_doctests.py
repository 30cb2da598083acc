import doctest
import importlib
from pathlib import Path

import pytest

import data_prep
import monai_vq

PACKAGES = [Path(package.__file__).parent for package in (monai_vq, data_prep)]
EXAMPLES = [
    path.relative_to(root.parent)
    for root in PACKAGES
    for path in sorted(root.rglob("*.py"))
    if ">>>" in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("path", EXAMPLES, ids=str)
def test_examples_in_docstrings_hold(path):
    module = importlib.import_module(".".join(path.with_suffix("").parts).removesuffix(".__init__"))
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0


def test_the_quantizers_show_an_example():
    assert {path.stem for path in EXAMPLES} >= {"vector", "projected"}
