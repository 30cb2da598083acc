"""Pictures of samples and of real slices, each as a data URI."""

from __future__ import annotations

import base64
import io

import numpy as np
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from monai_vq.metrics.memorisation import PERCENTILE
from monai_vq.report.canvas import figure_style, to_svg
from monai_vq.report.figures import COLOURS
from monai_vq.report.samples.scores import SampleScores

__all__ = ["draw_contact_sheet", "draw_pair", "draw_similarities"]

GAP = 2  # pixels between pictures
WIDTH, HEIGHT = 9.0, 2.6  # inches
BINS = 40


def draw_contact_sheet(images: Tensor, columns: int = 8) -> str:
    """Images [N, C, H, W] in [0, 1] in rows of a number of columns, pixel by pixel."""
    pictures = _to_bytes(images)  # [N, H, W, C]
    N, H, W, C = pictures.shape
    columns = max(1, min(columns, N))
    rows = -(-N // columns)
    sheet = np.full((rows * (H + GAP) - GAP, columns * (W + GAP) - GAP, C), 255, dtype=np.uint8)
    for place, picture in enumerate(pictures):
        top, left = place // columns * (H + GAP), place % columns * (W + GAP)
        sheet[top : top + H, left : left + W] = picture
    return _to_uri(sheet)


def draw_pair(sample: Tensor, neighbour: Tensor) -> str:
    """A sample [C, H, W] and, to its right, its nearest training slice."""
    left, right = _to_bytes(sample[None])[0], _to_bytes(neighbour[None])[0]
    gap = np.full((left.shape[0], GAP, left.shape[2]), 255, dtype=np.uint8)
    return _to_uri(np.concatenate([left, gap, right], axis=1))


def draw_similarities(scores: SampleScores) -> str:
    """Distribution of the similarity to the nearest training slice, of samples and of held-out slices."""
    named = {
        "held-out slices": scores.heldout_similarity,
        "samples": scores.neighbours["similarity"].to_numpy(dtype=float),
    }
    everything = np.concatenate(list(named.values()))
    edges = np.linspace(everything.min() - 0.01, max(1.0, everything.max()), BINS + 1)
    with figure_style():
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        axes = figure.subplots()
        for (name, values), colour in zip(named.items(), COLOURS, strict=False):
            share = np.full(len(values), 1 / len(values))
            axes.hist(values, edges.tolist(), weights=share, color=colour, alpha=0.45, label=name)
            axes.hist(values, edges.tolist(), weights=share, color=colour, histtype="step", linewidth=1.2)
        test = scores.memorisation
        axes.axvline(test.threshold, color="black", linestyle="--", linewidth=1, label=f"{PERCENTILE}% of held-out")
        axes.axvline(test.copy_threshold, color="black", linestyle=":", linewidth=1, label="copies beyond")
        axes.set(xlabel="similarity to the nearest training slice", ylabel="share of images")
        figure.legend(loc="outside upper center", ncols=4, frameon=False)
        return to_svg(figure)


def _to_bytes(images: Tensor) -> np.ndarray:
    """[N, C, H, W] in [0, 1] → uint8 [N, H, W, C]."""
    pixels: np.ndarray = (images.detach().cpu().clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).numpy()
    return pixels


def _to_uri(pixels: np.ndarray) -> str:
    """uint8 [H, W, C] → a PNG; one channel is grey, others than three are shown by their first."""
    picture = Image.fromarray(pixels if pixels.shape[2] == 3 else np.ascontiguousarray(pixels[..., 0]))
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
