"""Where a bundle lies, as its own config learns it."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType

from monai.bundle import ConfigWorkflow

CONFIGS = "configs"  # a bundle's folder of configs, in its root


def bundle_root() -> str:
    """Returns the root of the bundle whose config this expression stands in, absolute; ``.`` where none is run.

    The Model Zoo's ``"bundle_root": "."`` is right in one folder only, and a JSON file has no word for its own place.
    MONAI's workflow knows the place of its first config file and evaluates the expression, so it is on the call stack.
    ``--bundle_root DIR`` takes the place of the expression, as of every value.
    """
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        workflow = frame.f_locals.get("self")
        if isinstance(workflow, ConfigWorkflow):
            configs = Path(workflow.config_root_path).absolute()
            return str(configs.parent if configs.name == CONFIGS else configs)
        frame = frame.f_back
    return "."
