"""A model of MONAI's tutorials as a prior: the same weights, with likelihoods in bits and the cached sampler."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.networks.nets import DecoderOnlyTransformer
from monai.utils.ordering import Ordering

from monai_vq.errors import InputError
from monai_vq.priors.alphabet import LatentAlphabet
from monai_vq.priors.prior import Prior
from monai_vq.priors.transformer import CausalTransformer


def from_monai(
    transformer: DecoderOnlyTransformer, grid_size: Sequence[int], ordering: Ordering | None = None
) -> Prior:
    """Returns a prior over codes, G = 0, with the weights of MONAI's ``DecoderOnlyTransformer``.

    Its logits are the transformer's of the K codes. The last token of MONAI's vocabulary begins a sequence
    (``VQVAETransformerInferer``); it is never drawn, and takes no part of the probability here.

    Args:
        transformer: num_tokens K + 1, without cross-attention.
        grid_size: (h, w) of the codes; max_seq_len of the transformer is at least h · w.
        ordering: that it was trained with; None is raster order.

    Raises:
        InputError: if the transformer has cross-attention, or its sequence is shorter than the grid.
    """
    h, w = grid_size
    if transformer.with_cross_attention:
        raise InputError(
            "the transformer has cross-attention (with_cross_attention=True), which this prior has not: "
            "train bundles/transformer.json with --conditions instead."
        )
    if transformer.max_seq_len < h * w:
        raise InputError(
            f"max_seq_len {transformer.max_seq_len} is shorter than the grid {h} x {w} = {h * w}: "
            "the transformer was trained on parts of a sequence; give the grid that it was trained on."
        )
    heads = transformer.blocks[0].attn.num_heads
    backbone = CausalTransformer(
        transformer.attn_layers_dim, transformer.attn_layers_depth, heads, grid_size, ordering, positions="sequence"
    )
    backbone.norm = torch.nn.Identity()  # type: ignore[assignment]  # MONAI has none before the logits
    prior = Prior(LatentAlphabet(transformer.num_tokens - 1), backbone)
    prior.load_state_dict(_renamed(transformer, prior, h * w))
    return prior.to(transformer.to_logits.weight.device).eval()


def _renamed(transformer: DecoderOnlyTransformer, prior: Prior, length: int) -> dict[str, torch.Tensor]:
    """The transformer's weights under the prior's names; what is no weight stays the prior's."""
    state, weights = prior.state_dict(), transformer.state_dict()
    tokens = weights["token_embeddings.weight"]
    state["embedding.codes.weight"], state["backbone.begin"] = tokens[:-1], tokens[-1]
    state["backbone.position.places.weight"] = weights["position_embeddings.embedding.weight"][:length]
    state["to_logits.weight"], state["to_logits.bias"] = (
        weights["to_logits.weight"][:-1],
        weights["to_logits.bias"][:-1],
    )
    for i, block in enumerate(transformer.blocks):
        state.update({f"backbone.blocks.{i}.{name}": weight for name, weight in _renamed_block(block).items()})
    return state


def _renamed_block(block: torch.nn.Module) -> dict[str, torch.Tensor]:
    weights = block.state_dict()
    if "attn.qkv.weight" in weights:
        qkv = weights["attn.qkv.weight"]
    else:
        qkv = torch.cat([weights[f"attn.to_{name}.weight"] for name in "qkv"])
    names = {name: name for name in ("norm1", "norm2", "attn.out_proj")} | {
        "mlp.linear1": "mlp.0",
        "mlp.linear2": "mlp.3",
    }
    renamed = {f"{new}.{kind}": weights[f"{old}.{kind}"] for old, new in names.items() for kind in ("weight", "bias")}
    return renamed | {"attn.qkv.weight": qkv}
