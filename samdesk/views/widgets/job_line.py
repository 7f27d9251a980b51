"""The status line: place and value under the pointer, what runs, Cancel, and the device in use."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QPushButton, QWidget

from samdesk.core.progress import Progress
from samdesk.views import strings
from samdesk.views.widgets.labels import plain_label, set_role


class JobLine(QFrame):
    """Shows one job at a time; the one that was told about last."""

    # Cancel was pressed: the name of the job.
    cancel_asked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("status")
        self.place = plain_label("")
        self.value = plain_label("")
        self.state = plain_label("", "second")
        self.doing = plain_label("")
        self.bar = QProgressBar()
        self.bar.setFixedWidth(180)
        self.cancel = QPushButton("Cancel  Esc")
        self.cancel.setAccessibleName("Cancel what runs")
        self.cancel.clicked.connect(lambda: self.cancel_asked.emit(self.job))
        self.device = plain_label("", "second")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 4, 10, 4)
        layout.setSpacing(12)
        layout.addWidget(self.place)
        layout.addWidget(self.value)
        layout.addWidget(self.state, 1)
        layout.addWidget(self.doing)
        layout.addWidget(self.bar)
        layout.addWidget(self.cancel)
        layout.addWidget(self.device)
        self.setFixedHeight(40)
        self._jobs: dict[str, Progress] = {}
        self._show()

    @property
    def job(self) -> str:
        """Name of the job that is shown; empty when nothing runs."""
        return next(reversed(self._jobs), "")

    def show_place(self, place: str, value: str) -> None:
        """Show what is under the pointer."""
        self.place.setText(place)
        self.value.setText(value)

    def show_state(self, text: str) -> None:
        """Show a short word on the state of the page."""
        self.state.setText(text)

    def show_device(self, text: str, *, is_wished: bool = True) -> None:
        """Show what the network runs on, as the runtime reports it."""
        self.device.setText(text)
        set_role(self.device, "second" if is_wished else "warn")

    def show_job(self, name: str, progress: Progress) -> None:
        """Show how far a job is."""
        self._jobs.pop(name, None)
        self._jobs[name] = progress
        self._show()

    def end_job(self, name: str) -> None:
        """Take a job away."""
        if self._jobs.pop(name, None) is not None:
            self._show()

    def _show(self) -> None:
        is_running = bool(self._jobs)
        for one in (self.doing, self.bar, self.cancel):
            one.setVisible(is_running)
        if not is_running:
            return
        progress = self._jobs[self.job]
        doing = strings.sentence(progress.doing or "working")
        # Without a total the bar moves to and fro, and Qt draws no text on it.
        self.bar.setRange(0, 100 if progress.total > 0 else 0)
        self.bar.setValue(round(progress.share * 100))
        self.doing.setText(doing)
        self.bar.setAccessibleName(f"{doing} {strings.percent(progress.share)}")
