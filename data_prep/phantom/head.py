"""The whole head: tissues and their T1 contrast at any point of a patient.

Coordinates are millimetres of the patient's own head, x to the right, y forwards, z upwards, the origin near
the anterior commissure. Sizes follow the MNI-152 average brain. The head is asymmetric on purpose:

- the right frontal and left occipital lobes protrude (petalia), and the left ventricle is the larger;
- front and back differ: face, nose and eyes before, cerebellum behind;
- a bright ball, like the vitamin-E capsule taped on before a scan, sits outside the *left* of the scalp.
"""

import numpy as np
from numpy.typing import NDArray

from data_prep.phantom.anatomy import Anatomy
from data_prep.phantom.brain import paint_brain
from data_prep.phantom.canvas import Canvas, Tissue
from data_prep.phantom.shapes import Array, Point, ellipsoid, intersection, mirrored, nearest, sample_field, tube, union

__all__ = ["MARKER_CENTRE", "MARKER_RADIUS", "paint_head"]

MARKER_CENTRE: Point = (-88.0, -10.0, 20.0)
"""Centre of the bright ball in head coordinates, mm: x < 0 is the patient's left."""
MARKER_RADIUS = 5.0


def paint_head(points: Array, anatomy: Anatomy) -> tuple[Array, NDArray[np.uint8]]:
    """Returns the T1 contrast and the tissue at points of the head.

    Args:
        points: [3, N], mm in head coordinates.
        anatomy: the patient.

    Returns:
        Contrast in [0, 1.2], [N], and `Tissue` labels, [N].
    """
    canvas = Canvas.empty(points.shape[1])
    canvas.paint(ellipsoid(points, MARKER_CENTRE, (MARKER_RADIUS,) * 3), 1.2, Tissue.MARKER)
    template = _to_template(points, anatomy)
    skin = _skin(template)
    inside = skin < 3  # the rest is air, half of the volume
    head = template[:, inside]
    cranium = _cranium(head)
    with canvas.part(inside) as head_canvas:
        _paint_soft_tissue(head_canvas, head, skin[inside], anatomy)
        _paint_skull(head_canvas, head, cranium, anatomy)
        within = cranium < 2
        with head_canvas.part(within) as brain_canvas:
            paint_brain(brain_canvas, head[:, within], cranium[within], anatomy)
    return canvas.contrast, canvas.labels


def _to_template(points: Array, anatomy: Anatomy) -> Array:
    amplitudes, vectors, phases = anatomy.warp
    waves = np.sin(vectors @ points + phases[:, None])
    template = (points + amplitudes @ waves) / np.asarray(anatomy.scale, np.float32)[:, None]
    template[1] -= np.float32(anatomy.petalia) * np.tanh(template[0] / 25)
    return template


def _skin(head: Array) -> Array:
    vault = ellipsoid(head, (0, -17, 9), (80, 100, 79))
    face = ellipsoid(head, (0, 38, -60), (54, 46, 62))
    nose = ellipsoid(head, (0, 84, -50), (11, 18, 20))
    neck = tube(head, [((0, -32, -40), 60), ((0, -48, -160), 62)])
    ears = ellipsoid(mirrored(head), (79, -28, -24), (7, 14, 22))
    return union(union(union(vault, neck, face, seam=25), nose, seam=8), ears, seam=4)


def _cranium(head: Array) -> Array:
    sides = mirrored(head)
    vault = ellipsoid(head, (0, -17, 10), (69, 89, 67))
    floor = -20 - 8 / (1 + np.exp((head[1] - 18) / 5)) - head[2]  # orbits in front, deeper behind
    posterior = ellipsoid(head, (0, -56, -34), (54, 42, 31))
    temporal = ellipsoid(sides, (40, 0, -22), (25, 36, 25))
    foramen = tube(head, [((0, -30, -20), 16), ((0, -42, -62), 12), ((0, -50, -140), 10)])
    return union(intersection(vault, floor, seam=12), posterior, temporal, foramen, seam=10)


def _paint_soft_tissue(canvas: Canvas, head: Array, skin: Array, anatomy: Anatomy) -> None:
    sides = mirrored(head)
    grain = sample_field(anatomy.texture, head).clip(-2.5, 2.5)
    canvas.paint(skin, 0.45 + 0.07 * grain, Tissue.SOFT)
    fat = np.abs(skin + 3.5) - 1.6
    canvas.paint(fat, 0.95, Tissue.SOFT)
    canvas.paint(
        union(ellipsoid(sides, (31, 55, -32), (17, 22, 16)), ellipsoid(sides, (42, 30, -75), (8, 16, 18))),
        0.9,
        Tissue.SOFT,
    )
    canvas.paint(ellipsoid(sides, (31, 63, -32), (12, 12, 12)), 0.16, Tissue.SOFT)
    airway = tube(head, [((0, 70, -52), 7), ((0, 25, -55), 10), ((0, 2, -75), 7), ((0, -5, -140), 8)])
    canvas.paint(airway + np.maximum(grain, 0), 0.03, Tissue.AIR)
    maxillary = ellipsoid(sides, (28, 45, -60), (10, 13, 12))
    frontal_sinus = ellipsoid(sides, (9, 72, -14), (11, 7, 8))
    mastoid = ellipsoid(sides, (54, -32, -42), (10, 14, 16)) + 1.5 * np.abs(grain)
    canvas.paint(nearest(maxillary, frontal_sinus, mastoid), 0.03, Tissue.AIR)
    spine = tube(head, [((0, -42, -66), 20), ((0, -50, -140), 20)])
    canvas.paint(spine, 0.3 + 0.06 * grain, Tissue.BONE)


def _paint_skull(canvas: Canvas, head: Array, cranium: Array, anatomy: Anatomy) -> None:
    canvas.paint(cranium - 7, 0.06, Tissue.BONE)
    marrow = np.abs(cranium - 4) - 1.5 + np.maximum(0, -head[2] / 12)  # the base has little marrow
    canvas.paint(marrow + 0.5 * sample_field(anatomy.texture, head * np.float32(0.6)), 0.45, Tissue.BONE)
