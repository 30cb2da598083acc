"""All that a run's page is made from, so that the page can be written again, compared, or made public."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from monai_vq.report.gains import GainReport
from monai_vq.report.pictures import PatientPicture
from monai_vq.report.scores import RunScores

PEOPLE_IDS = ["patient_id", "session_id", "scan_id"]
PEOPLE_WORDS = ["diagnosis", "sex", "site", "source"]
PEOPLE_COLUMNS = [*PEOPLE_IDS, "diagnosis", "sex", "age", "site", "source"]


def nobody() -> pd.DataFrame:
    """A table of people without rows: nothing is known of any scan."""
    return pd.DataFrame({name: pd.Series(dtype=float if name == "age" else str) for name in PEOPLE_COLUMNS})


@dataclass(frozen=True, eq=False)
class ReportContent:
    """The content of a run's report.

    Attributes:
        scores: of the model and its baselines, all of the same slices.
        people: a row a scan, with `PEOPLE_COLUMNS`: what the dataset knows of it, "" or NaN (age, years) where it is
            not known. `source` is the name of the dataset's source, such as `oasis1`, and no path.
        history: the rows of metrics.csv; columns named in `figures.HISTORY_PANELS` are drawn, any may be absent.
        pictures: of the patients of `choose_patients` and `draw_patients_by_id`, all of one size.
        codewords: [K, D], drawn by their use in the training split; None for a model without a codebook.
        gains: of one split; None for a model without gains.
        settings: provenance: knobs, versions, the split's sha256; a nested mapping becomes a section of its own.
        title: heading of the page.
        unit: what a `patient_id` stands for: `patient`, or `scan` or `image` where the source does not say whose
            they are.
    """

    scores: RunScores
    people: pd.DataFrame = field(default_factory=nobody)
    history: pd.DataFrame | None = None
    pictures: Sequence[PatientPicture] = ()
    codewords: np.ndarray | None = None
    gains: GainReport | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    title: str = "Reconstruction report"
    unit: str = "patient"
