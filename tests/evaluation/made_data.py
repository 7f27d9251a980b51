"""A folder as ../shared/data in small: made bodies as scans, with masks and landmark files."""

from pathlib import Path

import numpy as np

from samdesk.core.geometry import Geometry, Points
from samdesk.core.volume import Volume
from samdesk.io.phantom_files import write_nifti

HEAD = "case,file,split,patient_id,pair_of,body_range,seg_file,landmark_file\n"
PLACES = "name,x,y,z,kind,voxels,cut_by_edge,label\n"
# Name, split, patient, the other phase.
SCANS = (
    ("chest_a", "test", "P1", ""),
    ("chest_b", "test", "P2", ""),
    ("belly_a", "test", "P3", "belly_b"),
    ("belly_b", "test", "P3", "belly_a"),
    ("chest_v", "val", "P4", ""),
    ("bare", "val", "P7", ""),
    ("chest_t", "train", "P5", ""),
    ("chest_u", "train", "P6", ""),
)
CARINA = (0.0, 5.0, 10.0)
KIDNEY = (20.0, 10.0, -15.0)


def write_data(folder: Path, body: Volume) -> Path:
    """Write scans of one made body: chests with a carina, bellies with kidneys and L4, one bare."""
    ct = folder / "ct"
    ct.mkdir(parents=True)
    bony = body.array.copy()
    bony[30:40, 28:36, 28:36] = 700
    volume = Volume(bony, body.geometry)
    masks = mask_of(body.geometry)
    lines = [HEAD]
    for name, split, patient, pair in SCANS:
        write_nifti(volume, ct / f"{name}.nii.gz")
        is_belly = name.startswith("belly")
        rows = f"carina,{','.join(map(str, CARINA))},auto_carina,,0,\n"
        rows += "lung_apex_left,10,0,40,auto_lung_apex,,0,\n"
        if is_belly:
            rows = f"kidney_left,{','.join(map(str, KIDNEY))},mask_centroid,99,0,3\n"
            rows += "vertebrae_L4,0,30,-20,mask_centroid,99,0,28\naorta,0,10,-20,mask,9,1,52\n"
            write_nifti(Volume(masks, body.geometry), ct / f"{name}_seg.nii.gz")
        marks = "" if name == "bare" else f"{name}.csv"
        if marks:
            (ct / marks).write_text(PLACES + rows)
        seg = f"{name}_seg.nii.gz" if is_belly else ""
        lines.append(f"{name},{name}.nii.gz,{split},{patient},{pair},trunk,{seg},{marks}\n")
    (ct / "manifest.csv").write_text("".join(lines))
    return folder


def mask_of(geometry: Geometry) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    """Draw a kidney (3), a vertebra (28) and the aorta (52) beside it."""
    index = np.indices(geometry.shape).reshape(3, -1).T.astype(float)
    mm: Points = geometry.to_mm(index)
    masks = np.zeros(len(mm), np.int16)
    masks[((mm - KIDNEY) ** 2 / np.array([10, 10, 20]) ** 2).sum(axis=1) < 1] = 3
    masks[((mm - (0, 30, -20)) ** 2).sum(axis=1) < 100] = 28
    masks[((mm[:, :2] - (0, 10)) ** 2).sum(axis=1) < 25] = 52
    return masks.reshape(geometry.shape)
