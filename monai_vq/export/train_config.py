"""`configs/train.json` of a handed-on model: the run's own config without what was true on one machine only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from monai.bundle import ConfigParser

from monai_vq.engines.tracking import without_tracking
from monai_vq.errors import InputError
from monai_vq.export.multi_gpu_config import one_process

BUNDLE_ROOT = "$export.bundle_root()"
IMPORT = "$import monai_vq.export as export"
DEVICE = "$torch.device('cuda' if torch.cuda.is_available() else 'cpu')"
SETTLE = "$engines.settle(bundle_root=@bundle_root, dataset_dir=@dataset_dir, output_dir=@output_dir)"
DATASET_DIR = "$@bundle_root + '/dataset'"
# A path that is not the bundle's own, in a value or in a string of an expression. What an expression adds to a path of
# its own, as in "$@bundle_root + '/dataset'", begins with a slash, too.
PERSONAL = re.compile(
    r"""
    (?: ^ | (?<=['"]) (?<!\+\s['"]) (?<!\+['"]) ) [/\\~]      # absolute, //server, \\server, ~ and ~name
    | //+[\w.-]+/ | \\\\[\w.-]+\\                              # //server/share and \\server\share anywhere
    | (?<![\w.]) [A-Za-z]: [\\/]                                # C:\ and C:/
    | \b [A-Za-z][\w+.-]* : // | \b file:                       # file:, smb://, s3://
    | (?: ^ | [\\/'"\s] ) \.\. (?: [\\/'"] | $ )                # .. and ../
    | [\\/] (?: home | Users | root | media | mnt | Volumes ) [\\/]
    | \$ \{? (?: HOME | USER | [A-Z_]{3,} ) \b | % [A-Z_]{3,} %  # $HOME, ${DATA}, %USERPROFILE%
    | \b (?: os\.environ | getenv | expanduser | Path\.home ) \b
    """,
    re.VERBOSE,
)
_PHANTOM = "default_dataset"  # makes the phantom cohort in a folder that no other bundle has


def train_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a config that trains the model again, from a prepared dataset wherever it lies.

    Args:
        config: of the run, flattened.

    Raises:
        InputError: if a value is a path of the machine that it was trained on.
    """
    own = one_process(without_tracking(deepcopy(dict(config))))
    own |= {
        "imports": [IMPORT, *(line for line in _without_phantom(own["imports"]) if line != IMPORT)],
        "bundle_root": BUNDLE_ROOT,
        "dataset_dir": DATASET_DIR,
        "output_dir": "$@bundle_root + '/runs/train'",
        "device": DEVICE,
        "max_minutes": _evaluated(config, "max_minutes"),
        "resume": False,
        "initialize": _settled(_without_phantom(own["initialize"])),
    }
    refuse_personal_paths(own)
    return own


def _settled(steps: list[str]) -> list[str]:
    """The steps, and the folders written down as they came to be: a run's record lies elsewhere than its bundle."""
    return [steps[0], SETTLE, *(step for step in steps[1:] if step != SETTLE)]


def _without_phantom(lines: list[str]) -> list[str]:
    return [line for line in lines if _PHANTOM not in line]


def _evaluated(config: Mapping[str, Any], name: str) -> Any:
    """What an expression over plain settings came to in the run."""
    plain = {key: value for key, value in config.items() if not isinstance(value, (dict, list)) and key != "device"}
    return ConfigParser(plain).get_parsed_content(name)


def refuse_personal_paths(node: Any, where: str = "") -> None:
    """Refuses a config that names a folder of one machine: it may name a person, and helps nobody else.

    Raises:
        InputError: naming the setting and its value.
    """
    if isinstance(node, Mapping):
        for name, value in node.items():
            refuse_personal_paths(value, f"{where}#{name}" if where else str(name))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            refuse_personal_paths(value, f"{where}#{index}")
    elif isinstance(node, str) and PERSONAL.search(node):
        raise InputError(
            f"setting {where} of the run is {node!r}, a path of this machine; it cannot be handed on. Train with a "
            "setting that needs no path, or take it out of the run's config.json."
        )
