"""Any network of ours as one tensor in, one tensor out: what the Model Zoo's checks and exporters take."""

from __future__ import annotations

from typing import Any

from monai_vq.networks import VQVAE, Reconstructor

_VQVAE = "monai_vq.networks.VQVAE"


def as_reconstructor(network: VQVAE) -> Reconstructor:
    """Returns a network that shares the parts of another and gives x_hat alone, with the same state-dict keys."""
    return Reconstructor(network.encoder, network.quantizer, network.decoder)


def reconstructor_config(network_def: dict[str, Any]) -> dict[str, Any]:
    """Returns the config of a network's Reconstructor, of the config of the network."""
    if network_def.get("_target_") == _VQVAE:
        return network_def | {"_target_": "monai_vq.networks.Reconstructor"}
    return {"_target_": "monai_vq.export.as_reconstructor", "network": network_def}
