"""The bar of long work, drawn for people only."""

import io

from samdesk.app.progress_bar import Bar
from samdesk.core.progress import Progress


class Terminal(io.StringIO):
    """A stream that a person looks at."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_one_line_that_is_drawn_anew_and_taken_away() -> None:
    stream = Terminal()
    bar = Bar("Reading", stream)
    bar.show(Progress(1, 4, "slice 1 of 4"))
    assert stream.getvalue().endswith("Reading  [#######.....................]  25%  slice 1 of 4")
    bar.show(Progress(1, 4, "slice 1 of 4"))
    assert stream.getvalue().count("Reading") == 1
    bar.clear()
    assert stream.getvalue().endswith("\r\x1b[2K")


def test_work_of_unknown_length_is_named_without_a_bar() -> None:
    stream = Terminal()
    Bar("Looking", stream).show(Progress(12, 0, "12 files"))
    assert stream.getvalue().endswith("Looking  12 files")


def test_a_file_gets_nothing() -> None:
    stream = io.StringIO()
    bar = Bar("Reading", stream)
    bar.show(Progress(1, 4))
    bar.clear()
    assert stream.getvalue() == ""
