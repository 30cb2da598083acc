"""The runs of a study: every variant at every seed and grid point, each one run of its bundle."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any

from fire.parser import DefaultParseValue

from monai_vq.errors import InputError
from monai_vq.study.settings import check_read, has_setting
from monai_vq.study.variants import Variant

BUNDLES = "bundles"  # name of their folder: their macros are written %bundles/common.json
DEFAULT_EPOCHS = 12
_NO_FILE_NAME = re.compile(r"[^\w.=+-]+")


@dataclass(frozen=True)
class Run:
    """One training.

    Attributes:
        variant: what is trained.
        seed: of weights and of the order of the data, which depends on nothing else.
        point: values of the grid's knobs that the variant reads.
        bundle: path of its bundle.
        settings: all that is changed of the bundle, but for where and whether to go on.
        dataset_dir: absolute.
        output_dir: absolute, of the study.
    """

    variant: Variant
    seed: int
    point: Mapping[str, Any]
    bundle: Path
    settings: Mapping[str, Any]
    dataset_dir: Path
    output_dir: Path

    @property
    def group(self) -> str:
        """The variant and its grid point: what its seeds have in common."""
        return group_name(self.variant.name, self.point)

    @property
    def name(self) -> str:
        """Name of its folder."""
        return _NO_FILE_NAME.sub("_", f"{self.group.replace(', ', '-')}-seed{self.seed}")

    @property
    def run_dir(self) -> Path:
        """Where the bundle writes."""
        return self.output_dir / "runs" / self.name

    @property
    def log(self) -> Path:
        """What the run says."""
        return self.output_dir / "logs" / f"{self.name}.log"

    @property
    def fingerprint_path(self) -> Path:
        """Where the study notes with what bundle it started the run."""
        return self.output_dir / "logs" / f"{self.name}.sha256"

    def fingerprint(self) -> str:
        """SHA-256 of the bundle and of the parts that it shares with others, its description apart."""
        bundle, common = (
            json.loads(path.read_text(encoding="utf-8")) for path in (self.bundle, self.bundle.with_name("common.json"))
        )
        bundle.pop("_desc_", None)
        return sha256(json.dumps([bundle, common], sort_keys=True).encode("utf-8")).hexdigest()

    def command(self, resume: bool) -> list[str]:
        """The command line that trains it, in the folder that holds the bundles' one."""
        settings = {
            "dataset_dir": str(self.dataset_dir),
            "output_dir": str(self.run_dir),
            "seed": self.seed,
            "max_minutes": None,
            **self.settings,
            "resume": resume,
        }
        words = [f"--{name}={_literal(value)}" for name, value in settings.items()]
        bundle = f"{BUNDLES}/{self.bundle.name}"
        return [sys.executable, "-m", "monai.bundle", "run", "--config_file", bundle, *words]


def group_name(variant: str, point: Mapping[str, Any]) -> str:
    """Returns a variant's name with the values of its grid point."""
    return ", ".join([variant, *(f"{name}={value}" for name, value in point.items())])


def plan_runs(
    variants: Sequence[Variant],
    seeds: int,
    settings: Mapping[str, Any],
    grid: Mapping[str, Sequence[Any]],
    bundles: Path,
    dataset_dir: Path,
    output_dir: Path,
) -> list[Run]:
    """Lists the runs, all variants of one seed before the next, so that the first seed alone is a comparison.

    A setting counts for the variants whose bundle has it and which do not set it themselves; so a knob of the grid
    makes no copies of a variant that does not read it.

    Args:
        variants: what to train.
        seeds: how many, from 0.
        settings: of all runs.
        grid: values by knob.
        bundles: folder of the bundles.
        dataset_dir: a prepared dataset.
        output_dir: of the study.

    Raises:
        InputError: if there is no such folder or bundle, or a setting that none of them has.
    """
    if seeds < 1:
        raise InputError(f"--seeds {seeds} must be at least 1.")
    configs = {variant.name: read_bundle(bundles, variant.bundle) for variant in variants}
    check_read([*settings, *grid], list(configs.values()))
    groups = [
        (variant, point, _settings(variant, configs[variant.name], settings, point))
        for variant in variants
        for point in _points(variant, configs[variant.name], grid)
    ]
    return [
        Run(
            variant,
            seed,
            point,
            bundles.resolve() / f"{variant.bundle}.json",
            own,
            dataset_dir.resolve(),
            output_dir.resolve(),
        )
        for seed in range(seeds)
        for variant, point, own in groups
    ]


def read_bundle(bundles: Path, name: str) -> dict[str, Any]:
    """Returns a bundle as it is written.

    Raises:
        InputError: if the folder or the bundle is not there.
    """
    if not bundles.is_dir() or bundles.resolve().name != BUNDLES:
        raise InputError(f"--bundles {bundles}: expected this project's folder named {BUNDLES!r}; give its path.")
    path = bundles / f"{name}.json"
    if not path.is_file():
        raise InputError(f"no bundle {path}; give --bundles the folder that has it, or leave its variants out.")
    return json.loads(path.read_text(encoding="utf-8"))


def _points(variant: Variant, config: Mapping[str, Any], grid: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    read = [name for name in grid if has_setting(config, name) and name not in variant.settings]
    return [dict(zip(read, values, strict=True)) for values in product(*(grid[name] for name in read))]


def _settings(
    variant: Variant, config: Mapping[str, Any], settings: Mapping[str, Any], point: Mapping[str, Any]
) -> dict[str, Any]:
    read = {name: value for name, value in settings.items() if has_setting(config, name)} | dict(point)
    return read | variant.settings_at(read.get("num_embeddings", config.get("num_embeddings", 0)))


def _literal(value: Any) -> str:
    """A value as MONAI's command line reads it: as Python writes it, but None, which would be taken for "not given"."""
    if value is None:
        return "none"
    return value if isinstance(value, str) and DefaultParseValue(value) == value else repr(value)
