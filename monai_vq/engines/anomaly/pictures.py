"""Which slices an anomaly page shows, by a rule and not by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monai_vq.anomaly.evaluation import ScanMaps
from monai_vq.report.anomaly_figures import AnomalyPicture

CHOSEN_BY = "likelihood"


def lesion_pictures(
    scans: Sequence[ScanMaps], images: Sequence[NDArray[np.floating]], lesions: pd.DataFrame
) -> list[AnomalyPicture]:
    """Shows of each kind and strength the lesion that the likelihood finds with the median AUROC (lower of two).

    Args:
        scans: with lesions.
        images: of each scan, [S, H, W].
        lesions: of ``lesion_table`` of these scans.
    """
    own = lesions[lesions["method"] == CHOSEN_BY].reset_index(drop=True)
    places = [(scan, number) for scan in range(len(scans)) for number in range(len(scans[scan].lesions))]
    pictures = []
    for (kind, strength), group in own.groupby(["kind", "strength"], sort=False):
        ordered = group.dropna(subset="auroc").sort_values("auroc", kind="stable")
        if ordered.empty:
            continue
        which, number = places[int(ordered.index[(len(ordered) - 1) // 2])]
        lesion = scans[which].lesions[number]
        label = f"{kind} {strength:+g}, {lesion.radius_mm:g} mm\n{scans[which].patient_id}"
        pictures.append(_picture(scans[which], images[which], lesion.centre[0], label))
    return pictures


def scan_pictures(scans: Sequence[ScanMaps], images: Sequence[NDArray[np.floating]]) -> list[AnomalyPicture]:
    """Shows the scans of the highest, the median (lower of two) and the lowest mean likelihood map, each scan once.

    Of a scan, the slice of the highest mean is shown.
    """
    means = [_slice_means(scan) for scan in scans]
    order = np.argsort([np.nanmean(mean) for mean in means], kind="stable")
    places = dict.fromkeys([int(order[-1]), int(order[(len(order) - 1) // 2]), int(order[0])])
    return [
        _picture(scans[which], images[which], int(np.nanargmax(means[which])), scans[which].scan_id) for which in places
    ]


def _slice_means(scan: ScanMaps) -> NDArray[np.floating]:
    """Mean of the likelihood map in the foreground of each slice, [S]; NaN without foreground."""
    number = scan.foreground.sum(axis=(1, 2))
    total = (scan.maps[CHOSEN_BY] * scan.foreground).sum(axis=(1, 2))
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def _picture(scan: ScanMaps, images: NDArray[np.floating], place: int, label: str) -> AnomalyPicture:
    maps = {name: values[place] for name, values in scan.maps.items()}
    return AnomalyPicture(label, images[place], scan.labels[place] > 0, scan.foreground[place], maps)
