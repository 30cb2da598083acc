"""The settings of the bundle that reconstructs scans."""

from __future__ import annotations

# name: (types, None allowed), as in `monai_vq.engines.knobs.KNOBS`.
RECONSTRUCT_KNOBS: dict[str, tuple[tuple[type, ...], bool]] = {
    "input": ((str,), True),
    "slice_range": ((list,), True),
    "patient_regex": ((str,), True),
    "assume_orientation": ((str,), True),
    "noise": ((str,), True),
    "dicom_out": ((bool,), False),
}
