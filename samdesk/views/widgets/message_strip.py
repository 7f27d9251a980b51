"""A line for things about the page: what happened, and what can be done; stays until closed."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QWidget

from samdesk.core.reading_notes import Notice
from samdesk.errors import SamdeskError
from samdesk.views import icons, theme
from samdesk.views.widgets.labels import plain_label, set_role


@dataclass(frozen=True)
class Message:
    """Something to be said.

    Attributes:
        kind: info, warn or danger.
        text: a sentence.
        hint: the next step; may be empty.
        code: of the notice or error; may be empty.
        button: words of a button, or empty.
        call: what the button does.
    """

    kind: str
    text: str
    hint: str = ""
    code: str = ""
    button: str = ""
    call: Callable[[], object] | None = None

    @classmethod
    def of_error(cls, error: SamdeskError) -> "Message":
        """Say an error."""
        return cls("danger", error.what, error.hint, error.code)

    @classmethod
    def of_notice(cls, notice: Notice) -> "Message":
        """Say a notice."""
        return cls("warn", notice.sentence, code=notice.code)


class MessageStrip(QFrame):
    """Shows one message, and how many wait behind it; the same thing is said once."""

    # The last message was closed.
    emptied = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("strip")
        self.messages: list[Message] = []
        self._icon = QLabel()
        self.text = plain_label("")
        self.text.setWordWrap(True)
        self.code = plain_label("", "second")
        self.more = plain_label("", "second")
        self.button = QPushButton("")
        self.button.clicked.connect(self._on_button_clicked)
        self.close_button = QToolButton()
        self.close_button.setAutoRaise(True)
        self.close_button.setAccessibleName("Close this message")
        self.close_button.setToolTip("Close this message")
        self.close_button.clicked.connect(self.next)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 6, 8, 6)
        layout.setSpacing(8)
        layout.addWidget(self._icon)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.code)
        layout.addWidget(self.more)
        layout.addWidget(self.button)
        layout.addWidget(self.close_button)
        self.hide()

    def say(self, message: Message) -> None:
        """Say something now; what was said before waits behind it."""
        self.messages = [message, *(one for one in self.messages if one.text != message.text)]
        self._show()

    def next(self) -> None:
        """Close the message that is shown."""
        self.messages = self.messages[1:]
        self._show()

    def clear(self) -> None:
        """Close all messages."""
        self.messages = []
        self._show()

    def refresh(self) -> None:
        """Draw the icons in the colors of the theme."""
        self._show()

    def _show(self) -> None:
        if not self.messages:
            self.hide()
            self.emptied.emit()
            return
        message, colors = self.messages[0], theme.tokens()
        color = {"warn": colors.warn, "danger": colors.danger}.get(message.kind, colors.info)
        name = "info" if message.kind == "info" else "warn"
        self._icon.setPixmap(icons.pixmap(name, color, 20))
        self.close_button.setIcon(icons.icon("close", colors.text2, 16))
        self.text.setText(f"{message.text} {message.hint}".strip())
        self.code.setText(message.code)
        self.code.setVisible(bool(message.code))
        waiting = len(self.messages) - 1
        self.more.setText(f"{waiting} more" if waiting else "")
        self.more.setVisible(waiting > 0)
        self.button.setText(message.button)
        self.button.setVisible(bool(message.button))
        self.setProperty("kind", message.kind)
        set_role(self, message.kind)
        self.setAccessibleName(self.text.text())
        self.show()

    def _on_button_clicked(self) -> None:
        call = self.messages[0].call if self.messages else None
        self.next()
        if call is not None:
            call()
