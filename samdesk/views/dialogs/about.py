"""What this program is, which version, and what it must not be used for."""

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from samdesk import __version__
from samdesk.views import strings
from samdesk.views.widgets.labels import plain_label

TEXT = (
    "samdesk finds the place you click in one scan in every other scan, by descriptors of anatomy "
    "that a network learned without labels."
)
WARNING = (
    "It is not a medical device. Its answers are suggestions that must be checked by a person who "
    "can judge them; do not base a diagnosis or a treatment on them."
)
LICENCES = (
    "Licence: Apache-2.0. Built with Qt and PySide6 (LGPL-3.0), NumPy, SciPy, pydicom, nibabel, "
    "SimpleITK, Pillow and onnxruntime; their licences come with them."
)


class AboutDialog(QDialog):
    """Version, licence and the limits of use."""

    def __init__(self, models: str, device: str, parent: QWidget | None = None) -> None:
        """Make the dialog.

        Args:
            models: the installed models in words.
            device: what the network really runs on.
            parent: the window.
        """
        super().__init__(parent)
        self.setWindowTitle("About samdesk")
        self.setMinimumWidth(480)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 24, 16)
        layout.setSpacing(10)
        layout.addWidget(plain_label(f"samdesk {__version__}", "title"))
        layout.addWidget(plain_label(strings.RESEARCH, "warn"))
        used = f"Models: {models or 'none'}. Device: {device or 'not used yet'}."
        for text in (TEXT, WARNING, used, LICENCES):
            label = plain_label(text)
            label.setWordWrap(True)
            layout.addWidget(label)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout.addWidget(buttons)
