"""Draw a made patient on one date as a CT volume."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from samdesk.core.geometry import Geometry, Points, Position
from samdesk.core.phantom import interior, organs, skeleton, tissues, trunk
from samdesk.core.phantom.body_map import dense_map
from samdesk.core.phantom.canvas import Canvas
from samdesk.core.phantom.named import NAMED
from samdesk.core.phantom.patient import Patient, Timepoint
from samdesk.core.phantom.shapes import Grid, Shape, grown
from samdesk.core.volume import Volume

__all__ = ["PhantomLesion", "PhantomScan", "dense_map", "render"]

MARGIN_MM = 14.0
TABLE_GAP_MM = 3.0
# About 100 bytes are in use for each voxel while a part of a scan is painted.
SLAB_VOXELS = 6_000_000


@dataclass(frozen=True)
class PhantomLesion:
    """A lesion on one date: where it is, or was or will be, and its diameter; 0 if not there."""

    at_mm: Position
    diameter_mm: float


@dataclass(frozen=True, eq=False)
class PhantomScan:
    """A drawn scan with what is true of it.

    Attributes:
        volume: int16 HU.
        points: name to patient mm, also of places outside the field of view.
        lesions: name to place and diameter on this date.
    """

    volume: Volume
    points: Mapping[str, Position]
    lesions: Mapping[str, PhantomLesion]


def _positions(mm: Points) -> list[Position]:
    return [(float(p[0]), float(p[1]), float(p[2])) for p in mm]


def points_of(patient: Patient, timepoint: int) -> dict[str, Position]:
    """Give every named point in mm on a date."""
    mm = dense_map(patient, timepoint).from_canonical(np.array(list(NAMED.values())))
    return dict(zip(NAMED, _positions(mm), strict=True))


def lesions_of(patient: Patient, timepoint: int) -> dict[str, PhantomLesion]:
    """Give every lesion on a date, with diameter 0 where it is not there."""
    courses = patient.lesions
    mm = dense_map(patient, timepoint).from_canonical(np.array([c.at for c in courses.values()]))
    return {
        name: PhantomLesion(at, course.diameters_mm[timepoint])
        for (name, course), at in zip(courses.items(), _positions(mm), strict=True)
    }


def extent(patient: Patient, timepoint: int) -> tuple[Points, Points]:
    """Give the lower and upper corner in mm of the scan as it was acquired."""
    date = patient.timepoints[timepoint]
    z = np.linspace(*date.z_mm, 24)
    rings = []
    for level in z:
        a, b, middle = (np.interp(level, trunk.SKIN[:, 0], trunk.SKIN[:, c]) for c in (1, 2, 3))
        rings += [(side * a, middle, level) for side in (-1, 1)]
        rings += [(0, middle + side * b, level) for side in (-1, 1)]
    mm = dense_map(patient, timepoint).from_canonical(np.array(rings))
    low, high = mm.min(axis=0) - MARGIN_MM, mm.max(axis=0) + MARGIN_MM
    ends = dense_map(patient, timepoint).from_canonical(
        np.array([(0.0, trunk.spine_y(level), level) for level in date.z_mm])
    )
    low[2], high[2] = ends[0, 2], ends[1, 2]
    high[1] += 22
    return low, high


def grid(
    patient: Patient,
    timepoint: int,
    spacing_mm: tuple[float, float, float],
    field_of_view: tuple[Points, Points] | None = None,
) -> Geometry:
    """Make the grid of a scan: the whole acquired range, or a field of view in mm (x, y, z)."""
    low, high = extent(patient, timepoint) if field_of_view is None else field_of_view
    low, high = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
    size = np.array(spacing_mm)
    count = np.maximum(np.floor((high - low)[::-1] / size).astype(int) + 1, 1)
    return Geometry.aligned((int(count[0]), int(count[1]), int(count[2])), spacing_mm, low)


def _values(
    patient: Patient, date: Timepoint, shuffle: np.random.Generator | None
) -> dict[str, float]:
    if shuffle is not None:
        return tissues.shuffled(shuffle)
    return {name: t.in_phase(date.phase.value) for name, t in patient.tissues.items()}


def render(
    patient: Patient,
    timepoint: int,
    *,
    spacing_mm: tuple[float, float, float] = (2.5, 2.5, 2.5),
    field_of_view: tuple[Points, Points] | None = None,
    tissue_shuffle: np.random.Generator | None = None,
    rng: np.random.Generator | None = None,
) -> PhantomScan:
    """Draw a patient on a date.

    Args:
        patient: from `make_patient`.
        timepoint: number of the date, from 0.
        spacing_mm: of the voxels (k, j, i).
        field_of_view: lower and upper corner (x, y, z) in mm; None is the acquired range.
        tissue_shuffle: where given, draws a random grey value for each tissue.
        rng: where given, draws the noise; else the date's own noise, always the same.

    Returns:
        The scan; its points and lesions are exact, also outside the field of view.
    """
    date = patient.timepoints[timepoint]
    geometry = grid(patient, timepoint, spacing_mm, field_of_view)
    values = _values(patient, date, tissue_shuffle)
    hu = np.empty(geometry.shape, np.float32)
    for part in _slabs(geometry.shape):
        hu[part] = _painted(patient, timepoint, _cut(geometry, part), values)
    noise = np.random.default_rng([date.seed, 7]) if rng is None else rng
    volume = Volume(_detector(hu, geometry.spacing, date, noise), geometry)
    return PhantomScan(volume, points_of(patient, timepoint), lesions_of(patient, timepoint))


def _slabs(shape: tuple[int, int, int]) -> list[slice]:
    """Part the slices so that painting a part stays within a few hundred megabytes."""
    count = max(1, min(shape[0], SLAB_VOXELS // (shape[1] * shape[2])))
    return [slice(k, min(k + count, shape[0])) for k in range(0, shape[0], count)]


def _cut(geometry: Geometry, part: slice) -> Geometry:
    """Give the grid of some slices."""
    affine = geometry.affine.copy()
    affine[:3, 3] += affine[:3, 0] * part.start
    return Geometry((part.stop - part.start, *geometry.shape[1:]), affine)


def _painted(
    patient: Patient, timepoint: int, geometry: Geometry, values: dict[str, float]
) -> Grid:
    """Paint the body on a grid, without blur and noise."""
    date = patient.timepoints[timepoint]
    canvas = Canvas.blank(geometry, dense_map(patient, timepoint), patient.seed)
    flesh = _trunk(canvas, values)
    _lungs(canvas, values, patient)
    _organs(canvas, values, patient, date, flesh)
    _bones(canvas, values)
    _airway(canvas, values)
    _lesions(canvas, values, patient, timepoint)
    _table(canvas)
    return canvas.hu


def _whole(canvas: Canvas) -> tuple[slice, slice, slice]:
    nk, nj, ni = canvas.geometry.shape
    return slice(0, nk), slice(0, nj), slice(0, ni)


def _trunk(canvas: Canvas, values: dict[str, float]) -> Grid:
    """Paint skin, fat and muscles; give the share of what lies well under the skin."""
    box = _whole(canvas)
    skin = trunk.BODY.distance(*canvas.place)
    canvas.blend(box, canvas.share(skin), values["skin"])
    strands = canvas.texture(box, 1.0)
    coarse = canvas.texture(box, 5.0)
    fat = values["fat"] + 8 * np.maximum(strands, 0) ** 2
    canvas.blend(box, canvas.share(skin + 2), fat)
    wall = canvas.share(interior.wall(*canvas.place, skin, coarse))
    wall *= interior.sheets(coarse, canvas.place[1], skin)
    canvas.blend(box, wall, values["muscle"] + 7 * strands)
    room = interior.room(*canvas.place, skin)
    canvas.blend(box, canvas.share(room), fat)
    canvas.blend(box, canvas.share(interior.diaphragm(*canvas.place)), values["muscle"])
    return canvas.share(skin + 7)


def _lungs(canvas: Canvas, values: dict[str, float], patient: Patient) -> None:
    cover = np.zeros(canvas.geometry.shape, np.float32)
    for side in (-1.0, 1.0):
        shape = organs.lung(side)
        box = canvas.box(shape)
        if box is None:
            continue
        share = canvas.cover(shape, box)
        x, y, z = (p[box] for p in canvas.place)
        gradient = np.float32(0.35) * y
        inner = values["lung"] + gradient + 16 * canvas.texture(box, 0.9)
        for of, sheet in organs.fissures():
            if of == side:
                thin = canvas.share(sheet(x, y, z) - 0.4) * min(1.0, 1.2 / canvas.edge_mm)
                inner += thin * 190
        threads = interior.lung_strands(canvas, box) * np.float32(min(1.0, 2.2 / canvas.edge_mm))
        inner += threads * np.float32(0.8) * (values["lung_vessel"] - inner)
        canvas.blend(box, share, inner)
        np.maximum(cover[box], canvas.share(shape.distance(x, y, z) + 1.5), out=cover[box])
    interior.lung_vessels(canvas, patient.seed, values["lung_vessel"], cover)


def _organs(
    canvas: Canvas, values: dict[str, float], patient: Patient, date: Timepoint, flesh: Grid
) -> None:
    everything = organs.organs()
    canvas.locate([o.shape for o in everything])
    for organ in everything:
        if organ.name == "small_bowel":
            interior.small_bowel(canvas, organ.shape, values, date.seed)
            continue
        if organ.name == "heart":
            interior.mediastinum(canvas, values)
        within = flesh if organ.name == "muscle" else None
        canvas.paint(organ.shape, values[organ.tissue], organ.texture, within)
        if organ.name == "colon":
            interior.colon(canvas, values, date.seed)
        if organ.name == "liver":
            interior.liver_vessels(canvas, patient.seed, organ.shape, values["portal_blood"])


def _bones(canvas: Canvas, values: dict[str, float]) -> None:
    everything = skeleton.bones()
    canvas.locate([b.shape for b in everything] + list(skeleton.discs() + skeleton.cartilages()))
    for shape in skeleton.cartilages():
        canvas.paint(shape, values["cartilage"])
    for shape in skeleton.discs():
        canvas.paint(shape, values["disc"], 5)
    for bone in everything:
        box = canvas.box(bone.shape)
        if box is None:
            continue
        distance = canvas.distance(bone.shape, box)
        canvas.blend(box, canvas.share(distance), values["cortical"] * bone.density)
        marrow = values["spongy"] + 38 * canvas.texture(box, 0.8)
        canvas.blend(box, canvas.share(distance + bone.shell_mm), marrow)
    canvas.paint(skeleton.canal(), values["fat"] * 0.3)
    canvas.paint(grown(skeleton.canal(), -2.5), values["cord"])


def _airway(canvas: Canvas, values: dict[str, float]) -> None:
    lumen = organs.airway()
    canvas.paint(grown(lumen, 1.4), values["wall"])
    canvas.paint(lumen, values["air"])


def _lesions(canvas: Canvas, values: dict[str, float], patient: Patient, timepoint: int) -> None:
    for course in patient.lesions.values():
        size = course.diameters_mm[timepoint]
        if size > 0:
            canvas.paint(_ball(canvas, course.at, size), values[course.tissue], 5)


def _ball(canvas: Canvas, at: Position, diameter_mm: float) -> Shape:
    """Make a ball that is round in the patient, though the body around it is bent."""
    center = np.array(at)
    steps = np.concatenate([np.eye(3), -np.eye(3)])
    here = canvas.mapping.from_canonical(center[None])[0]
    bent = canvas.mapping.to_canonical(here + steps)
    matrix = np.linalg.inv((bent[:3] - bent[3:]).T / 2).astype(np.float32)
    radius = diameter_mm / 2
    reach = radius * float(np.linalg.norm(np.linalg.inv(matrix), 2)) + 1

    def distance(x: Grid, y: Grid, z: Grid) -> Grid:
        d = [c - np.float32(m) for c, m in zip((x, y, z), center, strict=True)]
        u, v, w = (m[0] * d[0] + m[1] * d[1] + m[2] * d[2] for m in matrix)
        made: Grid = np.sqrt(u * u + v * v + w * w) - np.float32(radius)
        return made

    return Shape(tuple(center - reach), tuple(center + reach), distance)


def _table(canvas: Canvas) -> None:
    geometry = canvas.geometry
    axis = geometry.affine
    y = (axis[1, 3] + axis[1, 1] * np.arange(geometry.shape[1]))[:, None]
    x = (axis[0, 3] + axis[0, 2] * np.arange(geometry.shape[2]))[None, :]
    back = np.array([(0.0, 120.0, z) for z in (150.0, 300.0, 430.0)])
    low = float(canvas.mapping.from_canonical(back)[:, 1].max()) + TABLE_GAP_MM
    curve = low + 10 - (x / 200) ** 2 * 34
    shell = np.abs(y - curve) - 1.5
    foam = np.maximum(curve - y, y - curve - 14)
    share = np.clip(0.5 - foam / canvas.edge_mm, 0, 1) * (np.abs(x) < 210)
    skin = np.clip(0.5 - shell / canvas.edge_mm, 0, 1) * (np.abs(x) < 210)
    slab = (-1000 + share * 60) * (1 - skin) + skin * -250
    np.maximum(canvas.hu, slab[None].astype(np.float32), out=canvas.hu)


def _detector(
    hu: Grid, spacing_mm: tuple[float, float, float], date: Timepoint, rng: np.random.Generator
) -> NDArray[np.int16]:
    """Blur by the kernel and add noise with the short correlation of a CT reconstruction."""
    spacing = np.array(spacing_mm)
    sigma = date.kernel_mm / spacing
    if sigma.max() > 0.2:
        ndimage.gaussian_filter(hu, sigma, truncate=3, output=hu)
    grain = rng.standard_normal(hu.shape, dtype=np.float32)
    ndimage.gaussian_filter(grain, np.clip(0.9 / spacing, 0.3, 1.2), truncate=2.5, output=grain)
    grain *= np.float32(date.noise_hu / max(float(grain.std()), 1e-6))
    hu += grain
    np.round(hu, out=hu)
    made: NDArray[np.int16] = np.clip(hu, -1024, 3071, out=hu).astype(np.int16)
    return made
