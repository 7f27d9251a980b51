"""How far some work is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """A step of a job: `done` of `total`, and what is being done, in words for the status line."""

    done: int
    total: int
    doing: str = ""

    @property
    def share(self) -> float:
        """Part that is done, 0 to 1; 0 where the total is not known."""
        return min(1.0, self.done / self.total) if self.total > 0 else 0.0
