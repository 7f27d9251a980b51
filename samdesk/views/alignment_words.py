"""What the window says about an alignment: how well it fits, how it was made, what to look at."""

from samdesk.services.registering import Aligned
from samdesk.views.strings import counted

# Half of all places farther off than this: nothing small can be compared through it.
DOUBTFUL_MM = 5.0
# More than this share struck out: the rest may agree by chance.
MOST_STRUCK_SHARE = 0.4
# Lungs between breathing out and in change by a half; less than this is no tissue's doing.
LEAST_JACOBIAN = 0.3


def chip(aligned: Aligned) -> str:
    """Say in a line how well it fits."""
    return f"Median {aligned.median_mm:.1f} mm · 95 % < {aligned.p95_mm:.1f} mm"


def detail(aligned: Aligned) -> str:
    """Say how it was made, and what was told on the way."""
    made = (
        f"{aligned.method}, {aligned.seconds:.0f} s, least Jacobian {aligned.least_jacobian:.2f}."
    )
    return " ".join((made, *aligned.notes))


def is_doubtful(aligned: Aligned) -> bool:
    """Tell whether a person should look twice."""
    return bool(_doubts(aligned))


def warning(aligned: Aligned, *, is_other_patient: bool) -> str:
    """Say what a person should look at; empty where there is nothing.

    Args:
        aligned: the alignment.
        is_other_patient: the two scans are of two people.
    """
    said = _doubts(aligned)
    if is_other_patient:
        said.append("The scans are of two patients: organs differ, and so do the residuals.")
    return " ".join(said)


def device(words: str) -> str:
    """Say what the work runs on.

    Args:
        words: of the device that the network runs on; empty where it is not known yet.
    """
    first = f"Matching: {words}. " if words else ""
    return f"{first}Registration: CPU."


def _doubts(aligned: Aligned) -> list[str]:
    said = []
    if aligned.least_jacobian <= 0:
        said.append(
            f"Tissue is folded somewhere (least Jacobian {aligned.least_jacobian:.2f}): "
            "do not read places there through this alignment."
        )
    elif aligned.least_jacobian < LEAST_JACOBIAN:
        said.append(
            f"Somewhere tissue shrinks to {100 * aligned.least_jacobian:.0f} % of its volume: "
            "check whether that can be."
        )
    n_struck = int((~aligned.used).sum())
    if n_struck > MOST_STRUCK_SHARE * len(aligned.used):
        said.append(
            f"{n_struck} of {counted(len(aligned.used), 'place')} do not fit the others: "
            "the scans may have little in common."
        )
    if not aligned.median_mm <= DOUBTFUL_MM:
        said.append("The places do not fit well: compare large structures only.")
    return said
