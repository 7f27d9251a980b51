"""A process that opens cases of the corpus and says on stdout what came of each."""

import json
import sys
import traceback
from pathlib import Path
from typing import Any

from samdesk.app import logs
from samdesk.errors import SamdeskError
from samdesk.io import registry
from samdesk.io.base import finish
from samdesk.io.points import read_points
from samdesk.io.scan import scan
from tests.io.corpus import REFERENCE, Case
from tests.io.corpus_facts import Read, complaints, geometry_of, sound

# Notices that say no more than what such a file is; a sound file may have them.
HARMLESS = {"single-slice"}
FORBIDDEN = ("/etc/passwd", "/dev/zero", "/etc/shadow")
PARTS = {"project": "no project files yet (issue 3 has none)"}
outside: list[str] = []


def limit(address_space: int) -> None:
    """Bound the memory of this process and of its decoders, where the system can."""
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))


def peak_mb() -> float:
    """Give the most memory that this process has had, in MB."""
    if sys.platform == "win32":
        return 0.0
    status = Path("/proc/self/status")
    if status.exists():
        # Not getrusage: its maximum goes on from the process that started this one.
        lines = status.read_text(encoding="ascii", errors="replace").splitlines()
        return float(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def watch(event: str, args: tuple[Any, ...]) -> None:
    """Remember files that no image may lead to."""
    if event == "open" and isinstance(args[0], str) and args[0].startswith(FORBIDDEN):
        outside.append(args[0])


def images(path: Path) -> Read:
    """Scan a path and open every series that is not apart, as the window would."""
    read = Read()
    report = finish(scan([path]))
    read.series = list(report.series)
    read.notices = list(report.notices)
    for refusal in report.refusals:
        read.refused.append(refusal.code)
        read.messages += [refusal.reason, refusal.hint]
    for one in report.series:
        read.notices += one.notices
        try:
            opened = finish(registry.open_series(one))
        except SamdeskError as error:
            read.refused.append(error.code)
            read.messages += [error.what, error.hint]
            continue
        read.opened.append(opened)
        read.notices += opened.notices
    return told(read)


def points(path: Path, corpus: Path) -> Read:
    """Read points with the corpus's reference volume."""
    read = Read()
    grid = geometry_of(finish(registry.open_path(corpus / REFERENCE)))
    try:
        read.points, notices = read_points(path, grid)
        read.notices = list(notices)
    except SamdeskError as error:
        read.refused.append(error.code)
        read.messages += [error.what, error.hint]
    return told(read)


def told(read: Read) -> Read:
    read.codes = {notice.code for notice in read.notices}
    read.messages += [notice.sentence for notice in read.notices]
    return read


def is_right(accepted: str, read: Read) -> bool:
    """Compare one accepted outcome with what came."""
    opened = bool(read.opened) or read.points is not None
    outcome, _, code = accepted.partition(":")
    if outcome == "refuse":
        return not opened and code in read.refused
    if outcome == "load-ok":
        return opened and read.codes <= HARMLESS
    return opened and code in read.codes


def judge(case: Case, corpus: Path, runtime: Path) -> dict[str, Any]:
    """Open a case and compare it with its row."""
    parent = runtime if case.path.startswith("runtime/") else corpus
    absent = PARTS.get(case.kind, "")
    if case.path.endswith(".ini"):
        absent = "settings are no .ini"
    if absent:
        return {"status": "absent", "got": "", "why": absent}
    del outside[:]
    if case.kind == "model":
        from tests.io.corpus_models import model

        read, absent = model(corpus, case.path, runtime)
        if absent:
            return {"status": "absent", "got": "", "why": absent}
    elif case.kind == "points-csv":
        read = points(parent / case.path, corpus)
    else:
        read = images(parent / case.path)
    got = "load:" + ",".join(sorted(read.codes)) if read.opened or read.points is not None else ""
    got = got or "refuse:" + ",".join(read.refused)
    wrong = sound(read) + [f"opened {name}" for name in outside]
    right = any(is_right(accepted, read) for accepted in case.accepted)
    facts = 0
    # Facts tell of the first outcome; another one that is accepted has none of its own.
    if is_right(case.accepted[0], read):
        more, facts = complaints(case.fact, read)
        wrong += more
    return {
        "status": "right" if right and not wrong else "wrong",
        "got": got,
        "why": "does not hold: " + "; ".join(wrong) if wrong else "",
        "facts": facts,
    }


def main(words: list[str]) -> None:
    """Answer a line for each line."""
    corpus, runtime, folder = (Path(word) for word in words[:3])
    logs.start(folder / "logs")
    sys.addaudithook(watch)
    limit(int(words[3]))
    out, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        asked = json.loads(line)
        case = Case(**{**asked, "accepted": tuple(asked["accepted"])})
        try:
            answer = judge(case, corpus, runtime)
        except Exception as error:  # noqa: BLE001 - the very thing that is looked for
            where = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{Path(where.filename).name}:{where.lineno}"
            answer = {
                "status": "wrong",
                "got": "crash",
                "why": f"{type(error).__name__} at {place}",
            }
        out.write(json.dumps({**answer, "peak_mb": peak_mb()}) + "\n")
        out.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
