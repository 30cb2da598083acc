"""What the study can train: a bundle and the settings that make of it one variant of the latent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from monai_vq.errors import InputError

REFERENCE = "vq_ema"  # what the others are compared with, unless the study is told another
PUBLISHED_K = 512  # K of the source reports, in which the names of the variants count
PEERS = "monai_vq.study.peers"  # module of the other projects' quantizers
CURVE = (512, 502, 412, 312, 128, 64, 0)  # S of the published report, and on to the projected latent


@dataclass(frozen=True)
class Variant:
    """One line of the study.

    Attributes:
        name: of the variant, in tables and folders.
        bundle: name of the bundle that it runs, without its suffix.
        summary: one line on what it is.
        settings: of the bundle, by id: a knob, or a path such as ``network_def#quantizer#codebook#choice``.
        num_frequent: S at K = 512; S / K stays the same at another K.
        code_factor: how many times the study's K it has.
    """

    name: str
    bundle: str
    summary: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    num_frequent: int | None = None
    code_factor: int = 1

    @property
    def family(self) -> str:
        """What it is a variant of: ``peer`` of another project's quantizer, or the bundle without its update rule."""
        quantizer = self.settings.get("network_def#quantizer", {})
        if quantizer.get("_target_", "").startswith(PEERS):
            return "peer"
        return self.bundle.removesuffix("_ema")

    def settings_at(self, num_embeddings: int) -> dict[str, Any]:
        """Returns the settings of the bundle where the study's K is ``num_embeddings``."""
        settings = dict(self.settings)
        if self.num_frequent is not None:
            settings["num_frequent"] = round(self.num_frequent * num_embeddings / PUBLISHED_K)
        if self.code_factor > 1:
            settings["num_embeddings"] = self.code_factor * num_embeddings
        return settings


def _gains(number: int) -> list[Variant]:
    summary = f"{number} gains a position, one for each group of channels"
    return [
        Variant(f"projected_g{number}", "projected", summary, {"num_gains": number}),
        Variant(
            f"projected_g{number}_4bit",
            "projected",
            f"{number} gains of 4 bits a position",
            {"num_gains": number, "gain_bits": 4},
        ),
    ]


def _curve(bundle: str, rest: str) -> list[Variant]:
    return [
        Variant(f"{bundle}_{S}", bundle, f"the {S} most frequent of 512 codes as codewords, {rest}", num_frequent=S)
        for S in CURVE
    ]


def _peer(name: str, kind: str, summary: str, own: Mapping[str, Any], **knobs: Any) -> Variant:
    quantizer = {
        "_target_": f"{PEERS}.{kind}",
        "_requires_": "@estimator",  # the bundle's, which this quantizer has no use for and the bundle must find read
        "num_embeddings": "@num_embeddings",
        "embedding_dim": "@embedding_dim",
        "commitment_cost": "@commitment_cost",
        **own,
    }
    return Variant(name, "vq_ema", summary, {"network_def#quantizer": quantizer, **knobs})


_WIDTH = {
    "_target_": "monai_vq.quantizers.WidthProjectedQuantizer",
    "_requires_": ["@estimator", "@gain_bits"],  # as above
    "codebook": {
        "_target_": "monai_vq.quantizers.Codebook",
        "num_embeddings": "@num_embeddings",
        "embedding_dim": "@embedding_dim",
        "num_groups": "@num_gains",
        "update": "gradient",
    },
    "commitment_cost": "@commitment_cost",
    "projection_cost": "@projection_cost",
}
_TUNED = {"decay": 0.99, "kmeans_init": True, "threshold_ema_dead_code": 2}

_ALL = (
    Variant("vq", "vq", "a code a position; the codebook learns by its gradient"),
    Variant("vq_ema", "vq_ema", "a code a position; the codebook learns by moving averages"),
    Variant("vq_ema_rotation", "vq_ema", "vq_ema with the rotation estimator", {"estimator": "rotation"}),
    Variant("projected", "projected", "a code and a gain a position"),
    Variant("projected_4bit", "projected", "a code and a gain of 4 bits a position", {"gain_bits": 4}),
    *(variant for number in (2, 4, 8, 16) for variant in _gains(number)),
    Variant("projected_rotation", "projected", "projected with the rotation estimator", {"estimator": "rotation"}),
    Variant(
        "projected_published",
        "projected",
        "as the projected report describes it: nearest code, codebook by gradient, its estimator and costs",
        {
            "estimator": "published",
            "commitment_cost": 1.0,
            "projection_cost": 1.0,
            "network_def#quantizer#codebook#choice": "nearest",
            "network_def#quantizer#codebook#update": "gradient",
        },
    ),
    Variant(
        "projected_width",
        "projected",
        "as the projected report's code does it: projected along image width, D·h gains an image",
        {
            "network_def#quantizer": _WIDTH,
            "commitment_cost": 1.0,
            "projection_cost": 1.0,
            "estimator": "published",
        },
    ),
    *_curve("frequency", "continuous elsewhere"),
    *_curve("hybrid", "projected elsewhere"),
    Variant("vq_8192", "vq_ema", "vq_ema with 16 times the codes: the rate of projected_4bit", code_factor=16),
    Variant("none", "none", "no quantisation: the plain autoencoder"),
    Variant("vae", "vae", "a variational autoencoder, one Gaussian an image"),
    _peer("monai", "MonaiQuantizer", "the quantizer of MONAI's VQVAE, with its defaults (decay 0.5)", {}),
    _peer("monai_decay99", "MonaiQuantizer", "the quantizer of MONAI's VQVAE with our decay, 0.99", {"decay": 0.99}),
    _peer(
        "lucidrains",
        "PytorchVectorQuantizer",
        "VectorQuantize of vector-quantize-pytorch, with its defaults (decay 0.8, commitment 1, rotation)",
        {},
        commitment_cost=1.0,
    ),
    _peer(
        "lucidrains_tuned",
        "PytorchVectorQuantizer",
        "the same with decay 0.99, commitment 0.25, k-means initialisation and revival of dead codes",
        _TUNED,
    ),
)
VARIANTS: dict[str, Variant] = {variant.name: variant for variant in _ALL}
GROUPS: dict[str, tuple[str, ...]] = {
    "main": (
        *("vq", "vq_ema", "vq_ema_rotation", "projected", "projected_4bit", "projected_rotation"),
        *("projected_published", "frequency_412", "hybrid_412", "none", "vae"),
    ),
    "curve": ("vq_ema", "projected", "none", *(f"{name}_{S}" for name in ("frequency", "hybrid") for S in CURVE)),
    "gains": (
        *("vq_ema", "projected", "projected_4bit"),
        *(f"projected_g{number}{bits}" for number in (2, 4, 8, 16) for bits in ("", "_4bit")),
        "projected_width",
    ),
    "rate": ("vq_ema", "projected_4bit", "vq_8192"),
    "peers": ("vq_ema", "monai", "monai_decay99", "lucidrains", "lucidrains_tuned"),
}


def choose_variants(names: Sequence[str]) -> list[Variant]:
    """Returns the variants of names and groups, each once, in the order of the table.

    Raises:
        InputError: if there is no such variant or group.
    """
    chosen: set[str] = set()
    for name in names:
        if name not in VARIANTS and name not in GROUPS:
            known = [*GROUPS, *VARIANTS]
            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise InputError(f"no variant or group {name!r}; {hint}`python -m monai_vq.study --list` shows them all.")
        chosen.update(GROUPS.get(name, (name,)))
    return [variant for variant in VARIANTS.values() if variant.name in chosen]


def describe_variants() -> str:
    """Returns the list of all groups and variants, a line each."""
    width = max(map(len, VARIANTS))
    groups = [f"{name:{width}}  {', '.join(members)}" for name, members in GROUPS.items()]
    lines = [f"{variant.name:{width}}  {variant.summary}" for variant in VARIANTS.values()]
    return "\n".join(["groups:", *groups, "", "variants:", *lines])
