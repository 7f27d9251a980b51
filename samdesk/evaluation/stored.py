"""Cases that take long to make, kept on disk, so that new weights need not draw them again."""

from collections.abc import Callable
from typing import Any
from zipfile import BadZipFile

import numpy as np

from samdesk.core.geometry import Geometry
from samdesk.core.volume import Volume
from samdesk.evaluation.arms import digest
from samdesk.evaluation.base import Case
from samdesk.evaluation.kept import Kept
from samdesk.io.atomic import replacing


def stored_case(kept: Kept, key: str, make: Callable[[], Case]) -> Case:
    """Give a case that was made before, or make it and keep it.

    Args:
        kept: where cases lie; volumes lie beside as .npz, each once.
        key: names everything that the case depends on.
        make: draws it; its volumes are CT in HU.
    """
    value = kept.get(f"case | {key}")
    case = None if value is None else _read(kept, value)
    if case is None:
        case = make()
        kept.put(f"case | {key}", _written(kept, case))
    return case


def _written(kept: Kept, case: Case) -> dict[str, Any]:
    absent = np.empty((0, 3)) if case.absent is None else case.absent
    return {
        "name": case.name,
        "template": _write_volume(kept, case.template),
        "target": _write_volume(kept, case.target),
        "places": case.places.tolist(),
        "truth": case.truth.tolist(),
        "names": list(case.names),
        "absent": absent.tolist(),
        "same_patient": case.same_patient,
    }


def _read(kept: Kept, value: dict[str, Any]) -> Case | None:
    try:
        template, target = (_read_volume(kept, value[side]) for side in ("template", "target"))
    except (OSError, ValueError, KeyError, BadZipFile):
        for side in ("template", "target"):  # lost or damaged: it is drawn again
            (kept.folder / str(value.get(side))).unlink(missing_ok=True)
        return None
    return Case(
        value["name"],
        template,
        target,
        np.array(value["places"]).reshape(-1, 3),
        np.array(value["truth"]).reshape(-1, 3),
        tuple(value["names"]),
        np.array(value["absent"]).reshape(-1, 3),
        value["same_patient"],
    )


def _write_volume(kept: Kept, volume: Volume) -> str:
    name = f"volume-{digest(volume.array, volume.geometry.affine)}.npz"
    path = kept.folder / name
    if not path.exists():
        kept.folder.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary, temporary.open("wb") as stream:
            np.savez_compressed(stream, array=volume.array, affine=volume.geometry.affine)
    return name


def _read_volume(kept: Kept, name: str) -> Volume:
    with np.load(kept.folder / name, allow_pickle=False) as stored:
        array = np.ascontiguousarray(stored["array"])
        k, j, i = array.shape
        return Volume(array, Geometry((k, j, i), stored["affine"]))
