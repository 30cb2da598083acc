"""Latents of scans back into volumes, without the scans."""

from monai_vq.decode.decoder import ScanDecoder

__all__ = ["ScanDecoder"]
