import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from data_prep.provenance import describe_run, describe_settings
from monai_vq.data.slicing import SlicingSettings


def test_settings_survive_json_and_tell_equal_from_different_runs():
    def describe(**changes):
        return describe_settings("oasis1", own, SlicingSettings(**changes), (0.7, 0.15, 0.15), None, 0, "all", False)

    own = {"image": "t88", "table": Path("/home/someone/oasis.csv")}

    assert json.loads(json.dumps(describe())) == describe()
    assert describe() == describe(plane="axial")
    assert describe() != describe(num_slices=3)
    assert describe() != describe(window=(1, 99))
    assert (describe()["image"], describe()["table"]) == ("t88", "oasis.csv")


def test_run_has_the_time_in_utc_and_versions():
    run = describe_run("python -m data_prep", {"seed": 0})
    assert datetime.now(UTC) - datetime.fromisoformat(run["date"]) < timedelta(minutes=1)
    assert run["command"] == "python -m data_prep"
    assert all(run["versions"].values())
