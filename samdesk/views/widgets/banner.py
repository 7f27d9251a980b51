"""What is said about a match over a scan: not in this scan, cannot say, uncertain."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from samdesk.views.widgets.labels import plain_label, set_role


class Banner(QFrame):
    """A plate over the image with a sentence, a second one, and at most one button."""

    # The button was pressed.
    pressed = Signal()
    # It says something else, so that its size may be another.
    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self.text = plain_label("", "banner")
        self.detail = plain_label("", "banner-second")
        self.button = QPushButton("")
        set_role(self.button, "banner")
        self.button.clicked.connect(self.pressed)
        for label in (self.text, self.detail):
            label.setWordWrap(True)
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self.text)
        words.addWidget(self.detail)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 8)
        layout.addLayout(words, 1)
        layout.addWidget(self.button)
        self.say_nothing()

    def say(self, kind: str, text: str, detail: str = "", button: str = "") -> None:
        """Say something.

        Args:
            kind: absent, unknown, uncertain or error; gives the color of the edge.
            text: the sentence.
            detail: a second one, smaller.
            button: words of a button, or empty.
        """
        set_role(self, kind)
        self.text.setText(text)
        self.detail.setText(detail)
        self.detail.setVisible(bool(detail))
        self.button.setText(button)
        self.button.setVisible(bool(button))
        self.setAccessibleName(f"{text} {detail}")
        self.show()
        self.changed.emit()

    def say_nothing(self) -> None:
        """Take the plate away."""
        self.hide()
