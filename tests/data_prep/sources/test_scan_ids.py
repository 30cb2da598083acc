from pathlib import Path

import pytest

from data_prep.sources import SOURCES, Found, Scan, Source
from data_prep.sources.scan_ids import MAX_ID_BYTES, check_scan_ids
from monai_vq.errors import InputError


def make_scans(*names: str) -> list[Scan]:
    return [Scan((Path(name),), f"{index}/t1.nii", "P1", "", name) for index, name in enumerate(names)]


def test_ids_that_are_names_of_their_own_pass():
    check_scan_ids(make_scans("P1", "P1_2", "p2", "x" * MAX_ID_BYTES))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["P1", "P2", "p1"], r"P1 \(of 0/t1\.nii\) and p1 \(of 2/t1\.nii\) would be one file on macOS.*; rename"),
        (["P1", "P1"], "would be one file"),
        (["x" * (MAX_ID_BYTES + 1)], rf"^the scan id x{{40}}… has {MAX_ID_BYTES + 1} bytes.*shorter name$"),
    ],
)
def test_ids_that_are_none_are_refused_with_a_remedy(names, message):
    with pytest.raises(InputError, match=message):
        check_scan_ids(make_scans(*names))


def test_every_source_is_checked():
    careless = Source("a source", lambda source, **own: Found("", make_scans("P1", "p1")))
    with pytest.raises(InputError, match="would be one file"):
        careless.find(Path())
    assert all(type(source) is Source for source in SOURCES.values())
