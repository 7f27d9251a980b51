"""Turn whatever a job raised into an error that can be shown to a person."""

import logging

from samdesk.errors import NoRoom, SamdeskError

logger = logging.getLogger(__name__)


def as_error(error: Exception) -> SamdeskError:
    """Give an error raised on purpose as it is, and any other as a fault that is in the log.

    Args:
        error: what the steps of a job raised.
    """
    if isinstance(error, SamdeskError):
        logger.info("job.refused code=%s", error.code)
        return error
    # The sentence of an unknown error may quote a value out of a file; its place cannot.
    logger.error("job.fault kind=%s", type(error).__name__, exc_info=error)
    if isinstance(error, MemoryError):
        return NoRoom(
            "There is not enough memory for this.",
            code="too-large",
            hint="Close a scan or another program, and try again.",
        )
    return SamdeskError(
        f"samdesk made a mistake ({type(error).__name__}); this piece of work was given up.",
        code="fault",
        hint="The rest of the program goes on. The log says where it happened.",
    )
