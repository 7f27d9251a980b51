"""A registration as files that other programs read: ITK transforms, NIfTI, JSON and HTML.

The direction of a transform file is ITK's: it takes places of the fixed scan to places of the
moving one, which is what drawing the moving scan on the fixed grid asks for.
"""

import base64
import gzip
import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Points
from samdesk.core.volume import Volume
from samdesk.io.atomic import replacing, write_bytes, write_text
from samdesk.io.page import POLICY, RESEARCH_ONLY, STYLE

DIRECTION = (
    "The transform takes places of the fixed scan to places of the moving scan, in patient "
    "millimeters (LPS, as DICOM and ITK). It is what drawing the moving scan on the grid of the "
    "fixed scan needs: SimpleITK.Resample(moving, fixed, transform); in 3D Slicer, load it and "
    "apply it to the moving scan; in elastix and ANTs it is a transform of the moving image. To "
    "carry points of the moving scan to the fixed scan, take its inverse."
)
COLUMNS = ("#fixed x", "#y", "#z", "#moving x", "#y", "#z", "Used", "#Residual, mm")
MARKS = ".struck td{color:#b3261e;text-decoration:line-through}"


@dataclass(frozen=True, eq=False)
class RegistrationReport:
    """What a registration did, for people and for programs.

    Attributes:
        fixed, moving: the scans as they were named.
        facts: further facts by name (model, method, files).
        affine: 4 x 4, fixed to moving, LPS mm.
        fixed_mm, moving_mm: (n, 3) LPS mm, the matched places.
        used: (n,) False where a place was struck out.
        residual_mm: (n,) distance from where the registration takes a place to its match.
        least_jacobian: smallest change of volume; above 0 nothing folds.
        seconds: by what was done.
        notes: sentences.
        picture: PNG of the fixed scan, the resampled one, and both laid on each other; or None.
    """

    fixed: str
    moving: str
    facts: Mapping[str, str]
    affine: NDArray[np.float64]
    fixed_mm: Points
    moving_mm: Points
    used: NDArray[np.bool_]
    residual_mm: NDArray[np.float64]
    least_jacobian: float
    seconds: Mapping[str, float]
    notes: tuple[str, ...] = ()
    picture: bytes | None = None

    @property
    def figures(self) -> dict[str, float]:
        """Numbers of the residuals of the places that were used."""
        used = self.residual_mm[self.used]
        return {
            "used": int(self.used.sum()),
            "struck_out": int((~self.used).sum()),
            "median_mm": round(float(np.median(used)), 3),
            "p95_mm": round(float(np.percentile(used, 95)), 3),
            "max_mm": round(float(used.max()), 3),
        }


def write_transform(path: Path, transform: Any) -> None:
    """Write a SimpleITK transform, whole or not at all.

    Args:
        path: .tfm for text (an affine), .h5 for any.
        transform: of SimpleITK.

    Raises:
        NoRoom, UsageError: it cannot be written.
    """
    import SimpleITK

    write: Any = SimpleITK.WriteTransform
    with replacing(path) as temporary:
        # ITK goes by the ending.
        named = temporary.with_name(temporary.name + path.suffix)
        try:
            write(transform, str(named))
            named.replace(temporary)
        finally:
            named.unlink(missing_ok=True)


def write_volume(path: Path, volume: Volume) -> None:
    """Write a volume as .nii.gz, in whose millimeters x and y have the other sign.

    Raises:
        NoRoom, UsageError: it cannot be written.

    Source:
        NIfTI-1 standard, sform: x grows to the right, y to the front, z to the head.
    """
    import nibabel

    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ volume.geometry.affine[:, [2, 1, 0, 3]]
    make: Any = nibabel.Nifti1Image
    image = make(np.ascontiguousarray(volume.array.transpose(2, 1, 0)), affine)
    image.header.set_xyzt_units("mm")
    image.set_qform(affine, 1)
    image.set_sform(affine, 1)
    write_bytes(path, gzip.compress(image.to_bytes(), compresslevel=5, mtime=0))


def write_reports(folder: Path, report: RegistrationReport) -> None:
    """Write report.html and report.json."""
    write_text(folder / "report.html", as_html(report))
    write_text(folder / "report.json", json.dumps(as_data(report), indent=2) + "\n")


def as_data(report: RegistrationReport) -> dict[str, Any]:
    """Give the report as plain data."""
    return {
        "fixed": report.fixed,
        "moving": report.moving,
        **report.facts,
        "direction": DIRECTION,
        "affine": [[round(float(v), 9) for v in row] for row in report.affine],
        "residuals": report.figures,
        "least_jacobian": round(report.least_jacobian, 4),
        "seconds": {name: round(value, 2) for name, value in report.seconds.items()},
        "notes": list(report.notes),
        "points": [
            {
                "fixed": _rounded(fixed),
                "moving": _rounded(moving),
                "used": bool(used),
                "residual_mm": round(float(residual), 3),
            }
            for fixed, moving, used, residual in zip(
                report.fixed_mm, report.moving_mm, report.used, report.residual_mm, strict=True
            )
        ],
    }


def as_html(report: RegistrationReport) -> str:
    """Give the report as one page that needs nothing else."""
    figures = report.figures
    facts = {
        "Fixed scan": report.fixed,
        "Moving scan": report.moving,
        **{name.capitalize(): value for name, value in report.facts.items()},
        "Matched places": f"{figures['used']} used, {figures['struck_out']} struck out",
        "Residual of the used": f"median {figures['median_mm']:.1f} mm, 95 % below "
        f"{figures['p95_mm']:.1f} mm, largest {figures['max_mm']:.1f} mm",
        "Smallest change of volume": f"{report.least_jacobian:.2f} (above 0: nothing folds)",
        **{f"Seconds, {name}": f"{value:.1f}" for name, value in report.seconds.items()},
    }
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{html.escape(value)}</td></tr>"
        for name, value in facts.items()
    )
    notes = "".join(f"<p>{html.escape(note)}</p>" for note in report.notes)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(POLICY)}">'
        f"<title>samdesk: registration</title><style>{STYLE}{MARKS}</style></head><body>"
        f'<h1>Registration</h1><p class="note">{RESEARCH_ONLY}</p><table>{rows}</table>'
        f"<p>{html.escape(DIRECTION)}</p>{notes}{_figure(report.picture)}"
        f"<h2>Matched places</h2>{_table(report)}</body></html>\n"
    )


def _figure(picture: bytes | None) -> str:
    if picture is None:
        return ""
    data = base64.b64encode(picture).decode("ascii")
    caption = (
        "Left: the fixed scan. Middle: the moving scan drawn on its grid. Right: both, the fixed "
        "one in magenta and the moving one in green; where they agree it is gray. Axial, coronal, "
        "sagittal."
    )
    return (
        f'<figure><img alt="Both scans laid on each other" src="data:image/png;base64,{data}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _table(report: RegistrationReport) -> str:
    head = "".join(f'<th class="n">{name[1:]}</th>' if name[0] == "#" else f"<th>{name}</th>"
                   for name in COLUMNS)  # fmt: skip
    order = np.argsort(-report.residual_mm, kind="stable")
    body = []
    for n in order:
        numbers = [*report.fixed_mm[n], *report.moving_mm[n]]
        cells = "".join(f'<td class="n">{value:.1f}</td>' for value in numbers)
        word = "yes" if report.used[n] else "struck out"
        kind = "" if report.used[n] else ' class="struck"'
        body.append(
            f'<tr{kind}>{cells}<td>{word}</td><td class="n">{report.residual_mm[n]:.1f}</td></tr>'
        )
    return f"<table><tr>{head}</tr>{''.join(body)}</table>"


def _rounded(place: NDArray[np.float64]) -> list[float]:
    return [round(float(value), 3) for value in place]
