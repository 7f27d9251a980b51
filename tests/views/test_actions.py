"""Actions: each once, no two on one key, and a reason where one cannot be used."""

import pytest
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication

from samdesk.views.actions import SPECS, ActionBook, Context, Spec, clashes
from samdesk.views.dialogs.key_sheet import KeySheet


def test_no_two_actions_share_a_key() -> None:
    assert clashes(SPECS) == []


def test_bare_keys_never_work_in_the_whole_window() -> None:
    # Typing in a field must not trigger them; Esc and the F keys type nothing.
    bare = [
        key for spec in SPECS if spec.context is Context.WINDOW for key in spec.keys
        if len(key) == 1
    ]  # fmt: skip
    assert bare == []


def test_two_actions_on_one_key_are_refused(qapp: QApplication) -> None:
    twice = (Spec("a", "One", ("K",)), Spec("b", "Two", ("K",)))
    owner = QObject()
    with pytest.raises(ValueError, match="K"):
        ActionBook(owner, twice)


def test_a_disabled_action_says_why(qapp: QApplication) -> None:
    owner = QObject()
    book = ActionBook(owner)
    book.enable("accept", "There is no place to accept.")
    assert not book["accept"].isEnabled()
    assert book["accept"].toolTip() == "There is no place to accept."
    book.enable("accept")
    assert book["accept"].isEnabled()
    assert book["accept"].toolTip() == "Accept (A)"


def test_the_key_sheet_lists_every_key(qapp: QApplication) -> None:
    owner = QObject()
    sheet = KeySheet(ActionBook(owner))
    listed = {text for text, _ in sheet.rows}
    assert {spec.text for spec in SPECS if spec.keys} <= listed
