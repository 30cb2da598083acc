"""Codewords in two dimensions, and in TensorBoard's projector."""

import os
import shutil
from pathlib import Path

import numpy as np
from torch.utils.tensorboard import SummaryWriter

PROJECTOR = "codebook"  # TensorBoard's run of this name, beside the training's


def principal_components(vectors: np.ndarray, number: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Projects vectors on their first principal components.

    Args:
        vectors: [K, D].
        number: of components, at most D.

    Returns:
        The projections of the centred vectors, [K, number], and the share of the variance of each component, [number],
        0 where all vectors are equal. A component's sign is free; here its largest weight is positive.
    """
    centred = np.asarray(vectors, dtype=np.float64) - np.mean(vectors, axis=0, dtype=np.float64)
    _, singular, components = np.linalg.svd(centred, full_matrices=False)
    components, energy = components[:number], singular**2
    largest = np.abs(components).argmax(axis=1)
    components = components * np.sign(components[np.arange(len(components)), largest])[:, None]
    return centred @ components.T, energy[:number] / max(energy.sum(), np.finfo(float).tiny)


def write_projector(log_dir: str | os.PathLike[str], codewords: np.ndarray, counts: np.ndarray) -> Path:
    """Writes the codebook for TensorBoard's projector, which turns it, finds neighbours and runs UMAP or t-SNE.

    Args:
        log_dir: of TensorBoard; the files go to its folder `codebook`, in the place of an earlier report's.
        codewords: [K, D].
        counts: how often each code occurs, [K], shown beside it.

    Returns:
        The folder, with projector_config.pbtxt and, below it, tensors.tsv and metadata.tsv.
    """
    folder = Path(log_dir) / PROJECTOR
    if folder.exists():
        shutil.rmtree(folder)
    with SummaryWriter(str(folder)) as writer:
        rows = [[code, int(count)] for code, count in enumerate(counts)]
        writer.add_embedding(codewords, metadata=rows, metadata_header=["code", "count"], tag=PROJECTOR)
    return folder
