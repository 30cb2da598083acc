"""The settings of a study's command line: knobs of the bundles, one value for all runs or several for a grid."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from monai_vq.engines.knobs import KNOBS, check_value
from monai_vq.errors import InputError

# Set by the study itself; a time limit would cut runs at different steps on a busy machine.
RESERVED = ("dataset_dir", "output_dir", "seed", "resume", "max_minutes", "save_execute_config", "bundle_root")


def parse_settings(words: Sequence[str]) -> dict[str, Any]:
    """Reads ``--KNOB VALUE`` or ``--KNOB=VALUE`` pairs.

    Raises:
        InputError: if a word has no value or name, or the knob is the study's own.
    """
    settings: dict[str, Any] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, equals, text = word.removeprefix("--").partition("=")
        if not word.startswith("--") or not name:
            raise InputError(f"{word!r} is no setting; expected --KNOB VALUE, such as --image_size '[128, 96]'.")
        if not equals:
            if not rest or rest[0].startswith("--"):
                raise InputError(f"setting --{name} has no value; expected --{name} VALUE.")
            text = rest.pop(0)
        settings[_check_name(name)] = parse_value(name, text)
    return settings


def parse_grid(words: Sequence[str]) -> dict[str, list[Any]]:
    """Reads ``knob=value,value,…`` words; a list's own commas stand in brackets.

    Raises:
        InputError: if a word has another form, or a value is there twice.
    """
    grid: dict[str, list[Any]] = {}
    for word in words:
        name, equals, text = word.removeprefix("--").partition("=")
        if not equals or not name or not text:
            raise InputError(f"--grid {word!r}: expected knob=value,value, such as batch_size=16,64,256.")
        values = [parse_value(name, part) for part in _split(text)]
        if any(value in values[:i] for i, value in enumerate(values)):
            raise InputError(f"--grid {word!r}: a value is there twice; give each once.")
        grid[_check_name(name)] = values
    return grid


def parse_value(name: str, text: str) -> Any:
    """Returns a value in the knob's type; of an id that is no knob, as Python reads it, or the text itself."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        value = text
    return check_value(name, value) if name in KNOBS else value


def has_setting(config: Mapping[str, Any], name: str) -> bool:
    """Whether a bundle's config has an id, a knob or a path such as ``network_def#encoder``."""
    node: Any = config
    for part in name.split("#"):
        if not isinstance(node, Mapping) or part not in node:
            return False
        node = node[part]
    return True


def check_read(names: Sequence[str], configs: Sequence[Mapping[str, Any]]) -> None:
    """Refuses a setting that none of the bundles has; one that some lack is theirs that have it.

    Raises:
        InputError: naming the nearest knob.
    """
    known = sorted(set(KNOBS).intersection(*[set().union(*configs)]) - set(RESERVED))
    for name in names:
        if not any(has_setting(config, name) for config in configs):
            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(known)}."
            raise InputError(f"setting {name}: none of the chosen variants has it; {hint}")


def _check_name(name: str) -> str:
    if name in RESERVED:
        raise InputError(f"setting {name} is the study's own; leave it out.")
    return name


def _split(text: str) -> list[str]:
    """Splits at commas outside brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += (character in "[(") - (character in "])")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts
