import pytest

from monai_vq.engines import tracking
from monai_vq.errors import InputError

OTHER = {"_target_": "Other", "output_transform": "mine"}


def test_only_mlflows_handler_is_changed(monkeypatch):
    monkeypatch.setattr(tracking, "find_spec", lambda name: True)
    config = {
        "train": {"handlers": ["@budget", dict(OTHER), {"_target_": "MLFlowHandler", "output_transform": "$list"}]}
    }
    tracking.adapt_tracking(config)
    assert config["train"]["handlers"][:2] == ["@budget", OTHER]
    assert config["train"]["handlers"][2]["output_transform"] == "$engines.step_losses"


def test_a_prior_is_logged_by_its_bits(monkeypatch):
    monkeypatch.setattr(tracking, "find_spec", lambda name: True)
    config = {"stage1_dir": "runs/projected", "train": {"handlers": [{"_target_": "MLFlowHandler"}]}}
    tracking.adapt_tracking(config)
    assert config["train"]["handlers"][0]["output_transform"] == "$engines.step_bits"


def test_tracking_without_its_packages_says_what_to_install(monkeypatch):
    monkeypatch.setattr(tracking, "find_spec", lambda name: None if name == "alembic" else True)
    with pytest.raises(InputError, match=r"alembic is not installed; .*monai_vq\[tracking\]"):
        tracking.adapt_tracking({"train": {"handlers": [{"_target_": "MLFlowHandler"}]}})
    tracking.adapt_tracking({"train": {"handlers": [OTHER]}})
    tracking.adapt_tracking({})
