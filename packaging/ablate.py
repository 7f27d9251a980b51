"""Train variants of a plan for the same few minutes each, and compare them on the validation split.

    .venv/bin/python packaging/ablate.py --plan RUN/plan.json --out DIR --minutes 4 [--only NAME]

Every variant is one worker run like any other; what it ends in is measured by the error across
people on scans of splits train and val (`evaluation.across.across_error`, full search) and on the
run's own held-out views. A variant that is done is not run again. Writes DIR/table.md.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from samdesk.core.runs import RunPlan
from samdesk.evaluation.across import across_error
from samdesk.model.session import Session
from samdesk.model.shelf import Shelf

# What changes against the plan as it is. Those of FROM_ZERO have another network, so they and the
# plan beside them start without its weights.
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "as planned": {},
    "as planned, seed 1": {},
    "as planned, seed 2": {},
    "views of one scan only": {"crossing_share": 0.0, "phantom_share": 0.0},
    "no pairs across people": {"crossing_share": 0.0},
    "pairs across people by registration": {"crossing_source": "registration"},
    "no made patients": {"phantom_share": 0.0},
    "made patients 60 %": {"phantom_share": 0.6},
    "no hard negatives": {"n_hard": 0},
    "no ring of near negatives": {"n_ring": 0},
    "temperatures x 0.6": {"tau": 0.05, "tau_coarse": 0.06, "tau_fused": 0.036},
    "temperatures x 1.6": {"tau": 0.13, "tau_coarse": 0.16, "tau_fused": 0.1},
    "no bent views": {"elastic_mm": 0.5, "bump_mm": 0.0},
    "stronger bends": {"elastic_mm": 8.0, "bump_mm": 30.0},
}
FROM_ZERO: Mapping[str, Mapping[str, Any]] = {
    "from zero: S2, 32 + 32 numbers, 2.5 mm": {},
    "from zero: S1 (24-48-96-160), 48 + 48": {"channels": [24, 48, 96, 160], "size": 48},
    "from zero: 16 + 16 numbers": {"size": 16},
    "from zero: half the channels": {"channels": [8, 16, 32, 64]},
    "from zero: 3.5 mm": {"spacing_mm": 3.5},
}


def main() -> int:
    """Run what is not done yet and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plan", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--only", action="append", help="name of a variant; several times")
    words = parser.parse_args()
    base = RunPlan.from_json(words.plan.read_text(encoding="utf-8"))
    rows: list[tuple[str, dict[str, float]]] = []
    for name, changes in {**SETTINGS, **FROM_ZERO}.items():
        if words.only and name not in words.only:
            continue
        folder = words.out / "".join(c if c.isalnum() else "-" for c in name)
        done = folder / "figures.json"
        if not done.exists():
            plan = replace(
                base,
                settings={**base.settings, **changes},
                minutes=words.minutes,
                start="" if name in FROM_ZERO else base.start,
                seed=int(name[-1]) if "seed" in name else base.seed,
                name="ablated",
            )
            figures = measured(plan, folder, words.out / "cache", words.data)
            done.write_text(json.dumps(figures), encoding="utf-8")
        rows.append((name, json.loads(done.read_text(encoding="utf-8"))))
        (words.out / "table.md").write_text(table(rows), encoding="utf-8")
        print(table(rows[-1:]).splitlines()[-1], flush=True)
    return 0


def measured(plan: RunPlan, folder: Path, cache: Path, data: Path) -> dict[str, float]:
    """Train one variant, and give its figures."""
    folder.mkdir(parents=True, exist_ok=True)
    cache.mkdir(exist_ok=True)
    if not (folder / "cache").exists():
        (folder / "cache").symlink_to(cache.resolve(), target_is_directory=True)
    (folder / "plan.json").write_text(plan.to_json(), encoding="utf-8")
    log = folder / "run.log"
    with (
        log.open("w", encoding="utf-8") as stream,
        subprocess.Popen(
            [sys.executable, "-m", "samdesk", "--worker", str(folder / "plan.json")],
            stdin=subprocess.PIPE,
            stdout=stream,
        ) as worker,
    ):
        code = worker.wait()
    if code:
        raise SystemExit(f"{folder.name} ended with {code}; see {log}")
    events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    steps = max(event["step"] for event in events)
    info = Shelf([folder / "export"]).get(plan.name)
    across = across_error(info, Session(info, threads=1), data)
    return {"steps": float(steps), **info.figures, **across}


def table(rows: list[tuple[str, dict[str, float]]]) -> str:
    """Lay the figures out as Markdown."""
    lines = [
        "| variant | steps | across: mean capped mm, marked | ruled | median mm, marked | ruled "
        "| <= 15 mm, marked | ruled | held-out views: median mm | <= 10 mm |",
        "| --- |" + " --- |" * 9,
    ]
    for name, f in rows:
        cells = [
            f"{f['steps']:.0f}",
            f"{f['marked_mean_capped_mm']:.1f}",
            f"{f['ruled_mean_capped_mm']:.1f}",
            f"{f['marked_median_mm']:.1f}",
            f"{f['ruled_median_mm']:.1f}",
            f"{100 * f['marked_within_15_share']:.0f} %",
            f"{100 * f['ruled_within_15_share']:.0f} %",
            f"{f['median_mm']:.1f}",
            f"{100 * f['within_10mm_share']:.0f} %",
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
