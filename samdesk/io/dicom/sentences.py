"""What reading DICOM has to say, in sentences: one function or line for each code."""

from samdesk.core.reading_notes import Notice
from samdesk.io.dicom.fourd import Split
from samdesk.io.dicom.stacking import Layout, Lean

# How the reason begins of a file that grouping took out of its series.
LEFT_OUT = "Left out of its series"

# Codes that a header earns by itself, with the sentence for `count` files.
OF_HEADERS = {
    "header-inconsistent": "The header of {count} file(s) is not as it should be (ids, types or "
    "lengths); what the pixels show was followed.",
    "trailing-bytes": "{count} file(s) have bytes after the picture that belong to nothing; "
    "they were not read.",
    "identity-conflict": "{count} file(s) name two different patients.",
    "charset": "{count} file(s) have names that do not follow their character set; unreadable "
    "letters are replaced.",
    "label-without-image": "This is a segmentation without its picture.",
    "lossy": "The pixels were compressed with loss; small values and edges are not the scanner's.",
}


def of_header(code: str, count: int) -> Notice:
    """Say what headers have shown."""
    return Notice(code, OF_HEADERS[code].format(count=count), float(count))


def of_layout(layout: Layout, thickness: float | None, is_single: bool) -> list[Notice]:
    """Say what the positions of slices have shown."""
    if is_single:
        return [Notice("single-slice", "There is one slice only: millimetres hold within it.", 1.0)]
    notices = []
    if layout.gaps:
        lost = sum(gap.lost for gap in layout.gaps)
        places = ", ".join(f"{gap.axis} = {gap.at_mm:.1f} mm" for gap in layout.gaps[:5])
        more = " and more" if len(layout.gaps) > 5 else ""
        notices.append(
            Notice(
                "missing-slices",
                f"{lost} slice(s) are missing at {places}{more}; true positions are kept and "
                "the gap is filled between its neighbors.",
                float(lost),
            )
        )
    if not layout.is_even:
        notices.append(
            Notice(
                "non-uniform-spacing",
                f"Slices are unevenly spaced (up to {layout.worst_mm:.2f} mm off); they were "
                f"resampled every {layout.step_mm:.3f} mm at their true positions.",
                layout.worst_mm,
            )
        )
    elif thickness is not None and layout.step_mm > thickness * 1.02 + 0.02:
        notices.append(
            Notice(
                "gap-between-slices",
                f"Slices are {thickness:.2f} mm thick and {layout.step_mm:.2f} mm apart: what "
                "lies between was not imaged.",
                layout.step_mm - thickness,
            )
        )
    if layout.lean is Lean.TILT:
        notices.append(
            Notice(
                "gantry-tilt",
                f"The gantry was tilted by {layout.lean_degrees:.1f} degrees; positions are true.",
                layout.lean_degrees,
            )
        )
    if layout.lean is Lean.SHEAR:
        notices.append(
            Notice(
                "sheared-stack",
                f"Slices are shifted sideways against each other ({layout.lean_degrees:.1f} "
                "degrees); positions are true.",
                layout.lean_degrees,
            )
        )
    return notices


def of_split(split: Split) -> list[Notice]:
    """Say how pictures at the same places were taken apart."""
    notices = []
    count = len(split.volumes)
    if split.dropped:
        notices.append(
            Notice(
                "duplicate-slices",
                f"{len(split.dropped)} slice(s) repeat a place that has one already; the first "
                "was kept.",
                float(len(split.dropped)),
            )
        )
    if split.axis == "instance-order":
        notices.append(
            Notice(
                "four-d-guessed",
                f"{count} pictures at each place and nothing that tells them apart; they were "
                "made into volumes by their instance numbers.",
                float(count),
            )
        )
    elif split.axis:
        values = ", ".join(f"{value:g}" for value in split.values[:8])
        notices.append(
            Notice(
                "four-d",
                f"{count} volumes at the same places, told apart by {split.words}: {values}.",
                float(count),
            )
        )
    if not split.is_complete:
        sizes = ", ".join(str(len(volume)) for volume in split.volumes[:8])
        notices.append(
            Notice(
                "four-d-incomplete",
                f"The volumes have different numbers of slices: {sizes}.",
                float(min(len(volume) for volume in split.volumes)),
            )
        )
    return notices


def no_place(code: str, count: int) -> Notice:
    """Say why pictures do not make a volume."""
    reason = {
        "no-position": "The slices have no position in the patient",
        "no-orientation": "The slices have no valid orientation",
        "no-scale": "The file gives no valid pixel size, so there are no millimetres",
        "picture-only": "This is a capture or colour picture, not a measured volume",
        "label-without-image": "This is a segmentation without its picture",
    }[code]
    many = f"; the middle one of {count} pictures is shown" if count > 1 else ""
    return Notice(code, f"{reason}{many}.", float(count))


def first_frame(count: int) -> Notice:
    """Say that one of several frames is shown."""
    return Notice(
        "first-frame", f"The file has {count} frames; the middle one is shown.", float(count)
    )


def far_apart(count: int) -> Notice:
    """Say that slices of one series lie in blocks far from each other."""
    return Notice(
        "several-stacks",
        f"The slices lie in {count} blocks far apart; each is listed for itself.",
        float(count),
    )


def left_out(count: int, why: str) -> Notice:
    """Say that slices are absent because they could not be used."""
    return Notice("slices-left-out", f"{count} slice(s) were left out: {why}.", float(count))
