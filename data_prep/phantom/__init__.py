"""The phantom cohort: simulated patients whose scans go the way of real ones, and whose truth is known."""

from data_prep.phantom.canvas import Tissue
from data_prep.phantom.cohort import prepare_phantom, write_phantom_bids
from data_prep.phantom.download import LAYOUTS, write_layout
from data_prep.phantom.patient import PhantomPatient, marker_position, phantom_labels, phantom_scan

__all__ = [
    "LAYOUTS",
    "PhantomPatient",
    "Tissue",
    "marker_position",
    "phantom_labels",
    "phantom_scan",
    "prepare_phantom",
    "write_layout",
    "write_phantom_bids",
]
