"""The corpus of bad inputs: each case opened in a child with limits, compared with its manifest.

`python -m tests.io.corpus` runs the quick set, `--all` everything; one closing line with figures.
"""

import csv
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[2]
CHILDREN = 2
SECONDS_EACH = 20.0
ADDRESS_SPACE = 3 * 1024**3
# The reference volume of the points of the corpus.
REFERENCE = "nifti/control.nii.gz"
TOOL = "tools/make_badinputs.py"


@dataclass(frozen=True)
class Case:
    """A row of the manifest.

    Attributes:
        path: below the corpus; beginning with "runtime/" if it is made on the spot.
        kind: "nifti", "dicom-file" and so on.
        accepted: the outcomes that are right, as "load-ok" or "refuse:truncated".
        fact: numbers that must hold.
        note: with skip rules.
    """

    path: str
    kind: str
    accepted: tuple[str, ...]
    fact: str
    note: str


@dataclass(frozen=True)
class Result:
    """What came of a case: right, wrong, or absent (no part of samdesk opens such things yet)."""

    path: str
    status: str
    got: str
    why: str = ""
    seconds: float = 0.0
    facts: int = 0
    peak_mb: float = 0.0


def data_folder() -> Path:
    """Give the folder of the scans beside the repository, which may not be there."""
    return Path(os.environ.get("SAMDESK_DATA", ROOT.parent / "shared" / "data"))


def cases(corpus: Path, *, everything: bool = False) -> list[Case]:
    """Read the manifest: all of it, or the quick set."""
    with (corpus / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["path"]: _case(row) for row in csv.DictReader(file)}
    if everything:
        return list(rows.values())
    core = (corpus / "core200.txt").read_text(encoding="utf-8").split("\n")
    return [rows[path] for path in core if path]


# Facts of the manifest that its own files do not bear out.
CORRECTED = {
    # The maker painted the color capture into the first slice as well: 9 grey files, 2 in color.
    "series/one_rgb_among_ct": "n_slices=9 left_out=2",
}


ALSO_RIGHT = {
    # The card's sha256 is not the file's: it is refused before anything looks inside.
    "model/memory_bomb.onnx": "refuse:checksum",
}


def _case(row: dict[str, str]) -> Case:
    accepted = [row["expected"]]
    if "alt=" in row["note"]:
        accepted.append(row["note"].split("alt=", 1)[1].split(";")[0].split(" ")[0])
    if row["path"] in ALSO_RIGHT:
        accepted.append(ALSO_RIGHT[row["path"]])
    fact = CORRECTED.get(row["path"], row["expected_fact"])
    return Case(row["path"], row["kind"], tuple(accepted), fact, row["note"])


def make_runtime(folder: Path) -> str:
    """Make the cases that cannot be stored; gives why not, or an empty text."""
    tool = data_folder().parent / TOOL
    if not tool.is_file():
        return f"{TOOL} is not there"
    done = subprocess.run(
        [sys.executable, str(tool), "--runtime", str(folder)],
        capture_output=True,
        check=False,
        timeout=120,
    )
    return "" if done.returncode == 0 else f"{TOOL} ended with {done.returncode}"


def run(chosen: Sequence[Case], corpus: Path, logs: Path) -> dict[str, Result]:
    """Open every case in children that handle many each; a crash or hang is that case's result.

    Args:
        chosen: the cases.
        corpus: its folder.
        logs: gets the children's logs and what they say on stderr.
    """
    work: Queue[Case] = Queue()
    for case in chosen:
        work.put(case)
    results: dict[str, Result] = {}
    runtime = logs / "made"
    reason = ""
    if any(case.path.startswith("runtime/") for case in chosen):
        reason = make_runtime(runtime)
    threads = [
        threading.Thread(target=_serve, args=(work, results, corpus, runtime, reason, logs, n))
        for n in range(CHILDREN)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


class _Child:
    """One process that opens cases, with limits on its memory."""

    def __init__(self, corpus: Path, runtime: Path, logs: Path, name: str) -> None:
        self._stderr = (logs / f"stderr-{name}.txt").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.io.corpus_child", str(corpus),
             str(runtime), str(logs), str(ADDRESS_SPACE)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        self.answers: Queue[bytes] = Queue()
        threading.Thread(target=self._listen, args=(self.process.stdout,), daemon=True).start()

    def _listen(self, stream: IO[bytes] | None) -> None:
        assert stream is not None
        for line in stream:
            self.answers.put(line)
        self.answers.put(b"")

    def ask(self, case: Case) -> Result:
        assert self.process.stdin is not None
        start = time.monotonic()
        try:
            self.process.stdin.write(json.dumps(vars(case)).encode() + b"\n")
            self.process.stdin.flush()
            line = self.answers.get(timeout=SECONDS_EACH)
        except Empty:
            return Result(case.path, "wrong", "hang", f"no answer in {SECONDS_EACH:g} s")
        except OSError:
            line = b""
        if not line:
            code = self.process.wait()
            return Result(case.path, "wrong", "crash", f"the child ended with {code}")
        answer: dict[str, Any] = json.loads(line)
        return Result(path=case.path, seconds=time.monotonic() - start, **answer)

    def end(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._stderr.close()

    def kill(self) -> None:
        self.process.kill()
        self.end()


def _serve(
    work: "Queue[Case]",
    results: dict[str, Result],
    corpus: Path,
    runtime: Path,
    reason: str,
    logs: Path,
    n: int,
) -> None:
    child: _Child | None = None
    while True:
        try:
            case = work.get_nowait()
        except Empty:
            break
        why = reason if case.path.startswith("runtime/") else ""
        why = why or _cannot_be_made(case)
        if why:
            results[case.path] = Result(case.path, "absent", "", why)
            continue
        child = child or _Child(corpus, runtime, logs, str(n))
        result = child.ask(case)
        results[case.path] = result
        if result.got in ("hang", "crash"):
            child.kill()
            child = None
    if child is not None:
        child.end()


def _cannot_be_made(case: Case) -> str:
    if "skipped when run as root" in case.note and hasattr(os, "geteuid") and os.geteuid() == 0:
        return "cannot be made by root"
    return ""


def leaks(logs: Path) -> list[str]:
    """Give the names of logs in which the name of an invented patient stands."""
    found = []
    for path in logs.rglob("*"):
        made = "made" in path.relative_to(logs).parts
        if not made and path.is_file() and b"ZZCANARY" in path.read_bytes():
            found.append(path.name)
    return found


def closing_line(results: Iterable[Result], seconds: float) -> str:
    """Say in one line how the corpus came out."""
    results = list(results)
    status = Counter(one.status for one in results)
    got = Counter(one.got for one in results)
    tried = status["right"] + status["wrong"]
    return (
        f"badinputs: {status['right']}/{tried} as the manifest says, {status['wrong']} wrong, "
        f"{status['absent']} not tried (no such part yet), {got['crash']} crashes, "
        f"{got['hang']} hangs, {sum(one.facts for one in results)} facts compared, "
        f"peak {max((one.peak_mb for one in results), default=0.0):.0f} MB, {seconds:.0f} s"
    )


def main(words: Sequence[str]) -> int:
    """Run the corpus and say how it came out."""
    corpus = data_folder() / "badinputs"
    if not (corpus / "manifest.csv").is_file():
        sys.stdout.write("badinputs: there is no corpus; SAMDESK_DATA names its folder\n")
        return 3
    chosen = cases(corpus, everything="--all" in words)
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        results = run(chosen, corpus, Path(folder))
        told = leaks(Path(folder))
    by_kind: dict[str, Counter[str]] = {}
    for case in chosen:
        result = results[case.path]
        by_kind.setdefault(case.kind, Counter())[result.status] += 1
        if result.status == "wrong":
            sys.stdout.write(
                f"{case.path}: expected {' or '.join(case.accepted)} {case.fact!r}, "
                f"got {result.got}; {result.why}\n"
            )
    for kind, count in by_kind.items():
        absent = f", {count['absent']} not tried" if count["absent"] else ""
        tried = count["right"] + count["wrong"]
        sys.stdout.write(f"  {kind}: {count['right']}/{tried}{absent}\n")
    if "--slow" in words:
        slow = sorted(results.values(), key=lambda one: -one.seconds)[:15]
        sys.stdout.writelines(f"  {one.seconds:.2f} s  {one.path}\n" for one in slow)
    if told:
        sys.stdout.write(f"the canary's name is in {', '.join(told)}\n")
    sys.stdout.write(closing_line(results.values(), time.monotonic() - start) + "\n")
    return int(bool(told) or any(one.status == "wrong" for one in results.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
