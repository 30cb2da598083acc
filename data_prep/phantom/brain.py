"""The inside of the cranium: folded cortex, white matter, cerebellum, brainstem, deep nuclei and ventricles."""

import numpy as np

from data_prep.phantom.anatomy import Anatomy
from data_prep.phantom.canvas import Canvas, Tissue
from data_prep.phantom.shapes import Array, ellipsoid, intersection, mirrored, nearest, sample_field, tube, union

__all__ = ["paint_brain"]

_CSF = 0.2  # T1 intensity


def paint_brain(canvas: Canvas, brain: Array, cranium: Array, anatomy: Anatomy) -> None:
    """Paints everything inside the skull.

    Args:
        canvas: of N points in and about the cranium.
        brain: their coordinates in the average head, [3, N], mm.
        cranium: their distance to the inner table of the skull, [N], mm.
        anatomy: the patient.
    """
    canvas.paint(cranium, _CSF, Tissue.CSF)
    _paint_cerebellum(canvas, brain, cranium, anatomy)
    _paint_cerebrum(canvas, brain, cranium, anatomy)
    _paint_brainstem(canvas, brain, anatomy)
    _paint_nuclei(canvas, brain, anatomy)
    _paint_ventricles(canvas, brain, anatomy)


def _paint_cerebrum(canvas: Canvas, brain: Array, cranium: Array, anatomy: Anatomy) -> None:
    sides = mirrored(brain)
    # the tentorium, a tent over the cerebellum, cuts the occipital and temporal lobes from below
    tent = -5 - 0.35 * sides[0] - 0.25 * np.maximum(0, -45 - brain[1]) - 2 * np.maximum(0, brain[1] + 30) - brain[2]
    hull = intersection(cranium + 2, np.float32(0.85) * tent, seam=6)
    depth = -hull
    surface = np.minimum(depth + anatomy.sulcus_width, _great_fissures(brain))
    # read partly at the surface above, so that sulci run inwards as creases of the hull do
    from_centre = np.linalg.norm(brain - np.array([[0], [-17], [0]], np.float32), axis=0)
    folds = brain * (1 + np.float32(0.4) * depth.clip(0, 30) / from_centre.clip(10))
    reach = 13 + 5 * np.tanh(sample_field(anatomy.texture, brain * np.float32(0.3)) / 2)
    sulcus = np.hypot(sample_field(anatomy.sulci, folds), np.maximum(0, surface - reach))
    surface = union(surface, sulcus, seam=2)
    canvas.paint(hull, _CSF, Tissue.CSF)
    canvas.paint(np.maximum(hull, anatomy.sulcus_width - surface), anatomy.grey, Tissue.GREY)
    white = anatomy.sulcus_width + anatomy.cortex_thickness - surface
    canvas.paint(np.maximum(hull, white), anatomy.white, Tissue.WHITE)


def _great_fissures(brain: Array) -> Array:
    x, y, z = brain
    side = np.abs(x)
    callosum = ellipsoid(brain, (0, -4, 2), (60, 40, 26))  # the hemispheres are one inside it
    midline = np.hypot(x - 1.5 * np.sin(y / 30), np.minimum(0, callosum))
    cleft = z + 2 + 0.4 * y + 2.5 * np.sin(side / 7 + y / 15)
    sylvian = np.hypot(cleft, np.maximum(0, 38 - side) + np.maximum(0, np.abs(y + 8) - 30))
    insula = np.hypot(
        side - 38 + 2 * np.sin(y / 6), np.maximum(0, np.abs(cleft) - 10) + np.maximum(0, np.abs(y + 2) - 20)
    )
    return nearest(midline, sylvian, insula)


def _paint_cerebellum(canvas: Canvas, brain: Array, cranium: Array, anatomy: Anatomy) -> None:
    hull = intersection(ellipsoid(brain, (0, -57, -34), (52, 34, 27)), cranium + 2, seam=3)
    y, z = brain[1] + 38, brain[2] + 32 + 2.5 * np.sin(brain[0] / 9)
    turns = np.arctan2(z, -y) * 26 / (2 * np.pi)
    folium = np.abs(turns - np.round(turns)) * np.hypot(y, z) * np.float32(2 * np.pi / 26)
    surface = union(-hull, np.hypot(folium, np.maximum(0, -hull - 14)), seam=1)
    canvas.paint(hull, anatomy.grey - 0.2 + 0.07 * surface.clip(0, 3), Tissue.GREY)
    canvas.paint(3.2 - surface, anatomy.white, Tissue.WHITE)


def _paint_brainstem(canvas: Canvas, brain: Array, anatomy: Anatomy) -> None:
    stem = tube(
        brain, [((0, -20, -4), 14), ((0, -27, -28), 13), ((0, -38, -55), 8), ((0, -44, -75), 6), ((0, -50, -140), 6)]
    )
    canvas.paint(stem, anatomy.white - 0.05, Tissue.WHITE)


def _paint_nuclei(canvas: Canvas, brain: Array, anatomy: Anatomy) -> None:
    sides = mirrored(brain)
    deep_grey = (anatomy.grey + anatomy.white) / 2
    thalamus = ellipsoid(sides, (11, -18, 6), (8, 14, 9))
    putamen = ellipsoid(sides, (26, 2, 2), (5, 15, 10))
    caudate = tube(sides, [((13, 20, 4), 6), ((15, 4, 15), 4), ((18, -16, 18), 2.5)])
    canvas.paint(nearest(thalamus, putamen, caudate), deep_grey, Tissue.GREY, softness=1.5)


def _paint_ventricles(canvas: Canvas, brain: Array, anatomy: Anatomy) -> None:
    sides = mirrored(brain)
    width = np.float32(1.15 * anatomy.ventricle_width) * np.where(brain[0] < 0, np.float32(1.06), np.float32(0.98))
    lateral = tube(
        sides,
        [
            ((9, 33, 3), 2.5),
            ((8, 20, 11), 3.6),
            ((8.5, 0, 18), 3.6),
            ((13, -22, 18), 4.2),
            ((22, -36, 10), 5.5),
            ((23, -60, 4), 2.0),
        ],
        width,
    )
    temporal = tube(sides, [((22, -36, 10), 3.5), ((33, -24, -9), 2.2), ((31, -8, -18), 1.8)], width)
    third = ellipsoid(brain, (0, -10, 1), (1.6 * anatomy.ventricle_width, 11, 9))
    fourth = tube(brain, [((0, -40, -26), 3.0), ((0, -42, -36), 4.0), ((0, -44, -44), 1.5)], width)
    canvas.paint(nearest(lateral, temporal, third, fourth), _CSF, Tissue.VENTRICLE)
