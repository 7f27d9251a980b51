"""What `samdesk train --data` names: volumes, radiographs, made patients, projections of CT."""

from collections.abc import Sequence
from pathlib import Path

from samdesk.errors import UsageError

VOLUME_SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".mha")
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif")
PHANTOM, DRR = "phantom:", "drr:"


def expanded(data: Sequence[str]) -> list[str]:
    """Replace a folder of volume or picture files by those files; a DICOM folder stays one scan.

    `drr:` before a path stays before each file of it.

    Raises:
        UsageError: a path that is not there.
    """
    out: list[str] = []
    for item in data:
        if item.startswith(PHANTOM):
            if not item.removeprefix(PHANTOM).isdigit():
                raise UsageError(f"{item} should be phantom:N with a number of patients.")
            out.append(item)
            continue
        before = DRR if item.startswith(DRR) else ""
        path = Path(item.removeprefix(DRR))
        if not path.exists():
            raise UsageError(f"There is no scan at {item}.")
        wanted = VOLUME_SUFFIXES if before else VOLUME_SUFFIXES + PICTURE_SUFFIXES
        inside = sorted(p for p in path.glob("*") if p.name.lower().endswith(wanted))
        found = inside if path.is_dir() and inside else [path]
        out += [before + str(p.absolute()) for p in found]
    return out


def dimensions(data: Sequence[str]) -> int:
    """Tell whether the data are volumes, 3, or radiographs and projections, 2.

    Args:
        data: as `expanded` gives them.

    Raises:
        UsageError: some are volumes and some are radiographs.
    """
    flat = [item for item in data if item.startswith(DRR) or _is_picture(item)]
    if not flat:
        return 3
    if len(flat) < len(data):
        other = next(item for item in data if item not in flat)
        raise UsageError(
            f"A run learns from volumes or from radiographs; {Path(other).name} is no radiograph.",
            hint=f"Write {DRR}PATH to learn from the projections of a CT volume.",
        )
    return 2


def _is_picture(item: str) -> bool:
    """Tell by the ending; a DICOM file or folder is looked into."""
    name = item.lower()
    if item.startswith(PHANTOM) or name.endswith(VOLUME_SUFFIXES):
        return False
    if name.endswith(PICTURE_SUFFIXES):
        return True
    from samdesk.io import registry
    from samdesk.io.scan import scan

    series = registry.finish(scan([Path(item)])).series
    main = [one for one in series if not one.is_apart] or list(series)
    return bool(main) and all(one.is_picture for one in main)
