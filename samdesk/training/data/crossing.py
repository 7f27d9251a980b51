"""Pairs of places between scans of different people, found by a trained network itself.

Two views of one scan never show how people differ. So the network's own matches between two scans
become positives, but only those that stand every check: there and back to within a few
millimetres, in agreement with the affine that the whole pair has in common, and with the local
affine of the places around (self-training; the last section of sam.md names it). What remains is
smoothed by that local affine, which is also how places between the lattice points are reached.
With the source "registration" the grey values have the last word: a B-spline that starts from these
matches says where each place is, and a place where the two disagree is left out.
"""

import hashlib
import logging
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from samdesk.core.correspondence import Correspondences
from samdesk.core.geometry import Geometry, Points
from samdesk.core.models import ModelInfo
from samdesk.core.progress import Progress
from samdesk.core.volume import Modality, Unit, Volume
from samdesk.errors import RunError, SamdeskError
from samdesk.model import prior as priors
from samdesk.model import search
from samdesk.model.embedder import embed
from samdesk.model.matcher import SCALE_MM
from samdesk.model.prior import Prior
from samdesk.model.session import Session
from samdesk.model.similarity import Keys, keys_of
from samdesk.training.data.scans import TrainingScan

logger = logging.getLogger(__name__)

STEP_MM = 12.0
# Places of one box are searched together, since they are expected close to each other.
BOX_MM = 60.0
CYCLE_MM = 9.0
NEIGHBORS = 32
NEIGHBORS_MM = 42.0
FEWEST_NEIGHBORS = 10
# A place that lies further from the affine of its neighbors than this is left out.
ODD_MM = 9.0
RIDGE_MM = 16.0
# A pair with fewer places than this has too little in common to learn from.
FEWEST_PLACES = 120
MOST_PLACES = 6000
SOURCES = ("matches", "registration")
# Grid of the images whose grey values are compared, and how far they may move a match.
REGISTERED_MM = 5.0
AGREE_MM = 12.0
H_MM = 4.0
MOST_VOLUME_CHANGE = 0.8


@dataclass(frozen=True, eq=False)
class Crossing:
    """Places that two scans of different people share. Positions are (z, y, x) mm.

    Attributes:
        first, second: numbers of the scans in the list they were found in.
        at_first, at_second: (n, 3) mm.
        linear: (n, 3, 3), how an offset in the first becomes one in the second.
    """

    first: int
    second: int
    at_first: Tensor
    at_second: Tensor
    linear: Tensor

    def swapped(self) -> "Crossing":
        """Give the same pair from the second scan to the first."""
        back = torch.linalg.inv(self.linear)
        return Crossing(self.second, self.first, self.at_second, self.at_first, back)


def find(
    scans: Sequence[TrainingScan],
    spacing_mm: float,
    info: ModelInfo,
    cache: Path,
    source: str = "matches",
) -> Generator[Progress, None, list[Crossing]]:
    """Find the places that every two real scans share, through a cache that is safe to delete.

    Args:
        scans: of a plan; made patients are passed over, their pairs are exact already.
        spacing_mm: of the scans' grid.
        info: of the model whose matches become positives.
        cache: folder for the places of each pair.
        source: one of SOURCES.

    Returns:
        A crossing for each pair that has enough in common.

    Raises:
        RunError: there is no such source.
    """
    if source not in SOURCES:
        raise RunError(
            f"Pairs across people do not come from {source}.",
            hint=f"The setting crossing_source is one of {', '.join(SOURCES)}.",
        )
    real = [n for n, scan in enumerate(scans) if scan.shared is None]
    pairs = list(combinations(real, 2))
    session = Session(info, device="cpu")
    held: dict[int, tuple[Volume, Keys]] = {}
    out: list[Crossing] = []
    for done, (a, b) in enumerate(pairs):
        yield Progress(done, len(pairs), f"pairing {scans[a].name} and {scans[b].name}")
        kept = cache / f"crossing-{source}-{_key(scans[a], scans[b], info)}.npz"
        if not kept.exists():
            for n in (a, b):
                if n not in held:
                    volume = _volume(scans[n], spacing_mm)
                    held[n] = volume, keys_of((yield from embed(volume, session)))
            (one, ours), (other, theirs) = held[a], held[b]
            from_mm, to_mm, linear = shared_places(ours, theirs)
            if source == "registration" and len(from_mm) >= FEWEST_PLACES:
                from_mm, to_mm, linear = yield from registered(one, other, from_mm, to_mm)
            beside = kept.with_suffix(".part.npz")
            np.savez(beside, from_mm=from_mm, to_mm=to_mm, linear=linear)
            beside.replace(kept)
        found = _read(kept, a, b)
        if len(found.at_first) >= FEWEST_PLACES:
            out.append(found)
    logger.info("training.crossings pairs=%d of=%d", len(out), len(pairs))
    return out


def shared_places(a: Keys, b: Keys) -> tuple[Points, Points, NDArray[np.float64]]:
    """Match a lattice of A in B and keep what stands every check.

    Args:
        a: keys of one scan.
        b: keys of the other.

    Returns:
        (n, 3) LPS mm in A, (n, 3) in B, and (n, 3, 3) how offsets change; empty where the two
        have too little in common.
    """
    nothing = np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((0, 3, 3))
    prior = priors.fit(a, b)
    if prior is None or not prior.is_usable or not prior.is_trusted:
        return nothing
    points = _body_lattice(a)
    parts = [_matched(a, b, box, prior) for box in _boxes(points)]
    from_mm = np.concatenate([part[0] for part in parts]) if parts else nothing[0]
    to_mm = np.concatenate([part[1] for part in parts]) if parts else nothing[0]
    return _smoothed(from_mm, to_mm, prior) if len(from_mm) >= FEWEST_PLACES else nothing


def registered(
    fixed: Volume, moving: Volume, from_mm: Points, to_mm: Points
) -> Generator[Progress, None, tuple[Points, Points, NDArray[np.float64]]]:
    """Let a B-spline that starts from the matches say where their places are.

    Returns:
        As `shared_places`; empty where the registration gave up.
    """
    from samdesk.registration.aligned import align

    every = len(from_mm)
    matches = Correspondences(from_mm, to_mm, np.ones(every, np.float32), np.zeros(every))
    try:
        found = yield from align(fixed, moving, matches, spacing_mm=REGISTERED_MM)
    except SamdeskError as error:
        logger.warning("training.crossing_left code=%s", error.code)
        return np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((0, 3, 3))
    transform = found.registration
    there = transform.map_points(from_mm)
    kept = np.linalg.norm(there - to_mm, axis=1) < AGREE_MM
    # One column of the linear part for each axis, by central differences.
    columns = [
        (transform.map_points(from_mm + step) - transform.map_points(from_mm - step)) / (2 * H_MM)
        for step in H_MM * np.eye(3)
    ]
    linear = np.stack(columns, axis=2)
    kept &= np.abs(np.linalg.det(linear) - 1.0) < MOST_VOLUME_CHANGE
    return from_mm[kept], there[kept], linear[kept]


def _matched(a: Keys, b: Keys, points: Points, prior: Prior) -> tuple[Points, Points]:
    there = search.near(b, a.embedding.descriptors(points), prior.forward(points), SCALE_MM)
    found = np.isfinite(there.at_mm).all(axis=1)
    if not found.any():
        return np.zeros((0, 3)), np.zeros((0, 3))
    points, to_mm = points[found], there.at_mm[found]
    back = search.near(a, b.embedding.descriptors(to_mm), prior.backward(to_mm), SCALE_MM)
    kept = np.linalg.norm(back.at_mm - points, axis=1) < CYCLE_MM
    return points[kept], to_mm[kept]


def _smoothed(
    from_mm: Points, to_mm: Points, prior: Prior
) -> tuple[Points, Points, NDArray[np.float64]]:
    """Lay an affine through the neighbors of each place; leave out what does not fit it."""
    from scipy.spatial import cKDTree

    tree = cKDTree(from_mm)
    inside = priors.applied(prior.affine, from_mm)
    keep: list[int] = []
    places: list[NDArray[np.float64]] = []
    linears: list[NDArray[np.float64]] = []
    for n, point in enumerate(from_mm):
        distance, near = tree.query(point, k=min(NEIGHBORS + 1, len(from_mm)))
        near = near[(distance < NEIGHBORS_MM) & (near != n)]
        if len(near) < FEWEST_NEIGHBORS:
            continue
        affine = _local(inside[near], to_mm[near], inside[n])
        expected = affine[:3, 3]
        if np.linalg.norm(expected - to_mm[n]) > ODD_MM:
            continue
        keep.append(n)
        places.append((expected + to_mm[n]) / 2)
        linears.append(affine[:3, :3] @ prior.affine[:3, :3])
    if not keep:
        return np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((0, 3, 3))
    return from_mm[keep], np.array(places), np.array(linears)


def _local(seen: Points, to_mm: Points, at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fit the affine of some places, seen through the prior, around `at`."""
    offsets, weights = seen - at, np.ones(len(seen))
    affine = np.eye(4)
    for _ in range(4):
        affine = priors.ridge_affine(offsets, to_mm, weights, RIDGE_MM)
        away = np.linalg.norm(priors.applied(affine, offsets) - to_mm, axis=1)
        weights = 1.0 / (1.0 + (away / 6.0) ** 2) ** 2
    return affine


def _body_lattice(keys: Keys) -> Points:
    """Give places STEP_MM apart in the body, away from its rim, (n, 3) LPS mm."""
    from scipy import ndimage

    step = max(1, round(STEP_MM / keys.cells.spacing[0]))
    inner = ndimage.binary_erosion(keys.embedding.body, iterations=2, border_value=1)
    chosen = (keys.index % step == step // 2).all(axis=1) & inner[keys.embedding.body]
    rows = np.flatnonzero(chosen)
    return keys.places(rows[:: max(1, -(-len(rows) // MOST_PLACES))])


def _boxes(points: Points) -> list[Points]:
    """Split places into cubes of BOX_MM."""
    if not len(points):
        return []
    cube = np.floor((points - points.min(axis=0)) / BOX_MM).astype(int)
    _, number = np.unique(cube, axis=0, return_inverse=True)
    return [points[number.ravel() == n] for n in range(int(number.max()) + 1)]


def _volume(scan: TrainingScan, spacing_mm: float) -> Volume:
    k, j, i = scan.hu.shape
    grid = Geometry.aligned((k, j, i), (spacing_mm,) * 3, scan.origin.flip(0).numpy())
    hu = np.clip(np.rint(scan.hu.numpy()), -1024, 3071).astype(np.int16)
    return Volume(hu, grid, Modality.CT, Unit.HU)


def _key(a: TrainingScan, b: TrainingScan, info: ModelInfo) -> str:
    digest = hashlib.sha256(f"{a.name}|{b.name}|{info.sha256}".encode())
    for scan in (a, b):
        digest.update(np.asarray(scan.hu.shape, np.int64).tobytes())
        digest.update(np.ascontiguousarray(scan.hu[::4, ::4, ::4].numpy()).tobytes())
    return digest.hexdigest()[:24]


def _read(path: Path, first: int, second: int) -> Crossing:
    with np.load(path, allow_pickle=False) as kept:
        from_mm, to_mm, linear = kept["from_mm"], kept["to_mm"], kept["linear"]
    return Crossing(
        first,
        second,
        torch.from_numpy(from_mm[:, ::-1].astype(np.float32).copy()),
        torch.from_numpy(to_mm[:, ::-1].astype(np.float32).copy()),
        torch.from_numpy(linear[:, ::-1, ::-1].astype(np.float32).copy()),
    )
