"""Which slices an anomaly page shows, by a rule and not by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monai_vq.anomaly.evaluation import ScanMaps
from monai_vq.report.anomaly_figures import AnomalyPicture

CHOSEN_BY = "likelihood"


class PictureStore:
    """Pictures of every slice that may be shown, on disk: which few are, is known after the last scan.

    Args:
        folder: an empty one, for the time of a run.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder, self.labels = Path(folder), list[str]()

    def add(self, picture: AnomalyPicture) -> None:
        """Puts a picture behind the others."""
        images = {"image": picture.image, "lesions": picture.lesions, "foreground": picture.foreground}
        np.savez(self.folder / f"{len(self.labels)}.npz", **images, **picture.maps)  # type: ignore[arg-type]
        self.labels.append(picture.label)

    def take(self, numbers: Sequence[int]) -> list[AnomalyPicture]:
        """Reads pictures by their place in the order of adding."""
        pictures = []
        for number in numbers:
            with np.load(self.folder / f"{number}.npz") as file:
                maps = {name: file[name] for name in file.files}
            image, lesions, foreground = (maps.pop(name) for name in ("image", "lesions", "foreground"))
            pictures.append(AnomalyPicture(self.labels[number], image, lesions, foreground, maps))
        return pictures


def lesion_pictures(scan: ScanMaps, images: NDArray[np.floating]) -> list[AnomalyPicture]:
    """Each lesion of a scan in the slice of its centre.

    Args:
        scan: with lesions.
        images: of the scan, [S, H, W].
    """
    return [
        _picture(
            scan,
            images,
            lesion.centre[0],
            f"{lesion.kind} {lesion.strength:+g}, {lesion.radius_mm:g} mm\n{scan.patient_id}",
        )
        for lesion in scan.lesions
    ]


def scan_picture(scan: ScanMaps, images: NDArray[np.floating]) -> AnomalyPicture:
    """The slice of a scan with the highest mean likelihood map in the foreground."""
    number = scan.foreground.sum(axis=(1, 2))
    total = (scan.maps[CHOSEN_BY] * scan.foreground).sum(axis=(1, 2))
    means = np.where(number > 0, total / np.maximum(number, 1), np.nan)
    return _picture(scan, images, int(np.nanargmax(means)), scan.scan_id)


def choose_lesions(lesions: pd.DataFrame) -> list[int]:
    """Chooses of each kind and strength the lesion that the likelihood finds with the median AUROC (lower of two).

    Args:
        lesions: of ``lesion_table``.

    Returns:
        Places among the lesions of a method, in the table's order.
    """
    own = lesions[lesions["method"] == CHOSEN_BY].reset_index(drop=True)
    places = []
    for _, group in own.groupby(["kind", "strength"], sort=False):
        ordered = group.dropna(subset="auroc").sort_values("auroc", kind="stable")
        if not ordered.empty:
            places.append(int(ordered.index[(len(ordered) - 1) // 2]))
    return places


def choose_scans(means: Sequence[float]) -> list[int]:
    """Chooses the scans of the highest, the median (lower of two) and the lowest mean likelihood map, each once."""
    order = np.argsort(means, kind="stable")
    return list(dict.fromkeys([int(order[-1]), int(order[(len(order) - 1) // 2]), int(order[0])]))


def _picture(scan: ScanMaps, images: NDArray[np.floating], place: int, label: str) -> AnomalyPicture:
    maps = {name: values[place] for name, values in scan.maps.items()}
    return AnomalyPicture(label, images[place], scan.labels[place] > 0, scan.foreground[place], maps)
