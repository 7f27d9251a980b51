"""Fit the probabilities of a model to matches whose truth is known, and keep them in its manifest.

Run it after every training, once, before the benchmarks:

    .venv/bin/python packaging/calibrate.py models/sam-ct [--data DIR] [--dry-run]

It uses made patients that neither training nor benchmarks see, scans of split val, and warped
copies of scans of split train; never split test.
"""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from samdesk.app.progress_bar import run_steps
from samdesk.errors import SamdeskError
from samdesk.evaluation import presence
from samdesk.evaluation.contenders import Embeddings
from samdesk.model import manifest
from samdesk.model.session import Session
from samdesk.model.shelf import Shelf


def main() -> int:
    """Collect examples, fit, and rewrite manifest.toml."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="model folder")
    parser.add_argument("--data", type=Path, help="folder of real scans; else SAMDESK_DATA")
    parser.add_argument("--dry-run", action="store_true", help="fit, but leave the manifest")
    words = parser.parse_args()
    usual = Path(os.environ.get("SAMDESK_DATA", "../shared/data"))
    data = words.data or (usual if (usual / "ct" / "manifest.csv").is_file() else None)
    try:
        info = Shelf([words.model.resolve().parent]).get(words.model.name)
        embeddings = Embeddings(info, Session(info))
        examples = run_steps(presence.collect(embeddings, data), "examples")
        fitted = presence.fit(examples)
    except SamdeskError as error:
        print(f"{error.what} {error.hint}".strip(), file=sys.stderr)
        return 1
    print(f"{fitted.n} examples, {examples.is_right.mean():.0%} right")
    print(
        f"held out: AUC of presence {fitted.presence_auc:.3f}, AUC of right {fitted.right_auc:.3f}"
    )
    print(f"held out: expected calibration error {fitted.ece:.3f}")
    numbers = fitted.calibration.numbers()
    for name, value in numbers.items():
        print(f"  {name} = {value:.4f}")
    if not words.dry_run:
        figures = {
            **info.figures,
            "calibration_examples": float(fitted.n),
            "calibration_presence_auc": round(fitted.presence_auc, 4),
            "calibration_ece": round(fitted.ece, 4),
        }
        manifest.write(
            replace(
                info,
                calibration=MappingProxyType(numbers),
                figures=MappingProxyType(figures),
            ),
            info.folder,
        )
        print(f"Written into {info.folder / 'manifest.toml'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
