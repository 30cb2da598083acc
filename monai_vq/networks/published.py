"""The encoders and decoders of two published VQ-VAEs, for reproductions."""

# No `from __future__ import annotations`: TorchScript reads this file.
import torch
from torch import Tensor, nn

# Both published residual blocks start with a ReLU that works in place. It overwrites the block's input before the
# addition reads it, so they compute relu(x) + f(x). Ours compute x + f(x), as the papers have it.


class ResidualBlock(nn.Module):
    """x + f(x).

    Args:
        *layers: f, which keeps the shape [B, C, H, W].
    """

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Returns x + f(x), [B, C, H, W]."""
        return x + self.layers(x)


class OordEncoder(nn.Sequential):
    """[B, C, H, W] → [B, D, H/4, W/4], the VQ-VAE of the CIFAR-10 report (van den Oord et al. 2017, sec. 4.1).

    Layers are those of the authors' own example and of its PyTorch copies, whose residual convolutions have no bias.

    Args:
        in_channels: C.
        out_channels: D.
        hidden: channels inside.
        residual_hidden: channels inside the residual blocks.
        num_residual_blocks: their number.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        hidden: int = 128,
        residual_hidden: int = 32,
        num_residual_blocks: int = 2,
    ) -> None:
        super().__init__(
            nn.Conv2d(in_channels, hidden // 2, kernel_size=4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(hidden // 2, hidden, kernel_size=4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(hidden, hidden, kernel_size=3, padding=1),
            *[_oord_block(hidden, residual_hidden) for _ in range(num_residual_blocks)],
            nn.ReLU(),
            nn.Conv2d(hidden, out_channels, kernel_size=1),
        )


class OordDecoder(nn.Sequential):
    """[B, D, h, w] → [B, C, 4·h, 4·w], the mirror of `OordEncoder`; the output is linear.

    Args:
        in_channels: D.
        out_channels: C.
        hidden: channels inside.
        residual_hidden: channels inside the residual blocks.
        num_residual_blocks: their number.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        hidden: int = 128,
        residual_hidden: int = 32,
        num_residual_blocks: int = 2,
    ) -> None:
        super().__init__(
            nn.Conv2d(in_channels, hidden, kernel_size=3, padding=1),
            *[_oord_block(hidden, residual_hidden) for _ in range(num_residual_blocks)],
            nn.ReLU(),
            nn.ConvTranspose2d(hidden, hidden // 2, kernel_size=4, stride=2, padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(hidden // 2, out_channels, kernel_size=4, stride=2, padding=1),
        )


class BatchNormEncoder(nn.Module):
    """[B, C, H, W] in [0, 1] → [B, D, H/4, W/4], the batch-normalised VQ-VAE of the projected report.

    The published network sees images in [−1, 1]: 2·x − 1 is its first step here.

    Args:
        in_channels: C.
        out_channels: D, which is also the width of every layer (256 in the report).
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, kernel_size=4, stride=2, padding=1),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
            nn.Conv2d(out_channels, out_channels, kernel_size=4, stride=2, padding=1),
            _batch_norm_block(out_channels),
            _batch_norm_block(out_channels),
        )
        self.apply(_initialize)

    def forward(self, x: Tensor) -> Tensor:
        """Returns z_e, [B, D, H/4, W/4], of x [B, C, H, W] in [0, 1]."""
        return self.layers(2 * x - 1)


class BatchNormDecoder(nn.Module):
    """[B, D, h, w] → [B, C, 4·h, 4·w] in [0, 1], the mirror of `BatchNormEncoder`.

    The published network ends in tanh, for images in [−1, 1]; (tanh + 1) / 2 brings that to [0, 1]. A mean squared
    error there is a quarter of the published scale's.

    Args:
        in_channels: D, which is also the width of every layer (256 in the report).
        out_channels: C.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _batch_norm_block(in_channels),
            _batch_norm_block(in_channels),
            nn.ReLU(),
            nn.ConvTranspose2d(in_channels, in_channels, kernel_size=4, stride=2, padding=1),
            nn.BatchNorm2d(in_channels),
            nn.ReLU(),
            nn.ConvTranspose2d(in_channels, out_channels, kernel_size=4, stride=2, padding=1),
        )
        self.apply(_initialize)

    def forward(self, z_q: Tensor) -> Tensor:
        """Returns x_hat, [B, C, 4·h, 4·w] in [0, 1], of z_q [B, D, h, w]."""
        return (torch.tanh(self.layers(z_q)) + 1) / 2


def _oord_block(hidden: int, residual_hidden: int) -> ResidualBlock:
    return ResidualBlock(
        nn.ReLU(),
        nn.Conv2d(hidden, residual_hidden, kernel_size=3, padding=1, bias=False),
        nn.ReLU(),
        nn.Conv2d(residual_hidden, hidden, kernel_size=1, bias=False),
    )


def _batch_norm_block(width: int) -> ResidualBlock:
    return ResidualBlock(
        nn.ReLU(),
        nn.Conv2d(width, width, kernel_size=3, padding=1),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Conv2d(width, width, kernel_size=1),
        nn.BatchNorm2d(width),
    )


def _initialize(module: nn.Module) -> None:
    """Starts convolutions as published: Xavier, uniform, and zero biases."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
