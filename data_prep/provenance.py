"""`provenance.json`: when, how and with which versions a dataset was prepared; nothing private."""

import hashlib
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import monai_vq
from data_prep.sources import SOURCES
from monai_vq.data.slicing import SlicingSettings

__all__ = ["describe_run", "describe_settings"]

_PACKAGES = ("numpy", "scipy", "scikit-image", "nibabel", "pydicom", "pillow")


def describe_settings(
    source: str,
    own: Mapping[str, Any],
    slicing: SlicingSettings,
    fractions: Sequence[float],
    stratify: Sequence[str] | None,
    seed: int,
    sessions: str,
    pseudonymized: bool,
) -> dict[str, Any]:
    """All that decides the content of a dataset besides its files, as JSON values; equal for equal datasets."""
    return {
        "source": source,
        **{name: _describe_option(name, value, pseudonymized) for name, value in own.items() if name != "key_file"},
        **{name: _to_json_value(value) for name, value in asdict(slicing).items()},
        "foreground": SOURCES[source].foreground,
        "fractions": list(fractions),
        "stratify": None if stratify is None else list(stratify),
        "seed": seed,
        "sessions": sessions,
        "pseudonymized": pseudonymized,
    }


def _describe_option(name: str, value: Any, hidden: bool) -> Any:
    """A source's own option; of a path or pattern that may hold what pseudonyms stand for, a hash."""
    if hidden and value is not None and (isinstance(value, Path) or name.endswith("_regex")):
        return hashlib.sha256(str(value).encode()).hexdigest()[:12]
    return _to_json_value(value)


def _to_json_value(value: Any) -> Any:
    """Lists for tuples, and the last name of a path: the rest may name people or sites."""
    if isinstance(value, list | tuple):
        return [_to_json_value(one) for one in value]
    return value.name if isinstance(value, Path) else value


def describe_run(command: str, settings: dict[str, Any]) -> dict[str, Any]:
    """The date in UTC, the command, versions and settings."""
    versions = {name: version(name) for name in _PACKAGES}
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "versions": {"monai_vq": monai_vq.__version__, "python": platform.python_version(), **versions},
        "settings": settings,
    }
