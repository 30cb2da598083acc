"""`provenance.json`: when, how and with which versions a dataset was prepared; nothing private."""

import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import monai_vq
from data_prep.slicing import SlicingSettings
from monai_vq.data import foreground

__all__ = ["describe_run", "describe_settings"]

_PACKAGES = ("numpy", "scipy", "scikit-image", "nibabel")


def describe_settings(
    slicing: SlicingSettings, fractions: Sequence[float], stratify: Sequence[str] | None, seed: int
) -> dict[str, Any]:
    """All that decides the content of a dataset besides its source, as JSON values; equal for equal datasets."""
    cut = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(slicing).items()}
    return {
        **cut,
        "foreground": foreground.ALGORITHM,
        "fractions": list(fractions),
        "stratify": None if stratify is None else list(stratify),
        "seed": seed,
    }


def describe_run(command: str, settings: dict[str, Any]) -> dict[str, Any]:
    """The date in UTC, the command, versions and settings."""
    versions = {name: version(name) for name in _PACKAGES}
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "versions": {"monai_vq": monai_vq.__version__, "python": platform.python_version(), **versions},
        "settings": settings,
    }
