"""The window: rail, pages, messages and the status line; takes every drop, at any time."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, QSize, Qt, QUrl, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QIcon,
)
from PySide6.QtWidgets import (
    QApplication,
    QButtonGroup,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QMainWindow,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from samdesk.core.history import UndoState
from samdesk.core.models import ModelInfo
from samdesk.core.progress import Progress
from samdesk.core.reading import Notice, ScanReport
from samdesk.core.reading_notes import Refusal
from samdesk.errors import SamdeskError
from samdesk.services.bundle import Services
from samdesk.services.settings import Settings
from samdesk.views import icons, menus, theme
from samdesk.views.actions import ActionBook, Context
from samdesk.views.dialogs.about import AboutDialog
from samdesk.views.dialogs.key_sheet import KeySheet
from samdesk.views.pages.read import ReadPage
from samdesk.views.pages.start import StartPage
from samdesk.views.strings import counted, refusal_line
from samdesk.views.tables.series import SERIES_MIME
from samdesk.views.widgets.job_line import JobLine
from samdesk.views.widgets.labels import set_role
from samdesk.views.widgets.message_strip import Message, MessageStrip

START, READ = "start", "read"
PAGES = ((START, "Start"), (READ, "Read"))
SCAN_JOB, OPEN_JOB, MATCH_JOB, ALIGN_JOB = "scan", "open", "match", "align"
# That there are several series is a notice on the command line; here the list shows it.
LISTED = "several-series"
USUAL_SIZE = QSize(1440, 900)


class MainWindow(QMainWindow):
    """Joins the pages to the services; does none of the work itself."""

    # The user wants the built-in phantom patient.
    demo_asked = Signal()

    def __init__(self, services: Services, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._dropped: list[Path] = []
        self.actions_book = ActionBook(self)
        self.start = StartPage(self.actions_book)
        self.read = ReadPage(services, self.actions_book)
        self.strip = MessageStrip()
        self.jobs = JobLine()
        self._build()
        menus.build(self.menuBar(), self.actions_book)
        self.actions_book.attach(self, Context.WINDOW)
        self._connect_actions()
        self._connect_services()
        self.setAcceptDrops(True)
        self.setMinimumSize(*theme.SMALLEST)
        self.resize(USUAL_SIZE)
        self._show_history(services.store.undo_state)
        self.start.show_recent(services.library.recent)
        self._show_device()
        self._show_title()
        self.show_page(START)

    # -- pages and messages ----------------------------------------------------------------

    def show_page(self, name: str) -> None:
        """Turn to a page."""
        for (one, _), button, page in zip(PAGES, self._rail_buttons, self._pages(), strict=True):
            if one == name:
                button.setChecked(True)
                self.stack.setCurrentWidget(page)
        if name == READ and self.read.left.series is not None:
            next(iter(self.read.left.pane.views.values())).setFocus()
        else:
            self.start.open_files.setFocus()

    def say(self, message: Message) -> None:
        """Say something in the strip."""
        self.strip.say(message)

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Look through files and folders, and show what can be shown."""
        if paths:
            self._dropped = [Path(path).absolute() for path in paths]
            self._services.library.scan(paths)

    # -- drops -----------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take everything that has addresses; the list says later what was none of ours."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()
            self.start.highlight(True)
            self.frame.setGeometry(self.rect())
            self.frame.show()
            self.frame.raise_()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Go on taking it."""
        if event.mimeData().hasUrls() and not event.mimeData().hasFormat(SERIES_MIME):
            event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Take the frame away."""
        self._end_drag()
        super().dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Open every address that is a file; say what is none."""
        self._end_drag()
        urls = event.mimeData().urls()
        event.acceptProposedAction()
        self.open_paths([Path(url.toLocalFile()) for url in urls if url.isLocalFile()])
        self._say_remote([url for url in urls if not url.isLocalFile()])

    def _say_remote(self, urls: Sequence[QUrl]) -> None:
        if urls:
            what = f"{counted(len(urls), 'link')} cannot be opened, because it is no file here."
            self.say(Message("warn", what, "Save it to this computer first, then drop the file."))

    def _end_drag(self) -> None:
        self.start.highlight(False)
        self.frame.hide()

    # -- building --------------------------------------------------------------------------

    def _pages(self) -> tuple[QWidget, ...]:
        return self.start, self.read

    def _build(self) -> None:
        self.stack = QStackedWidget()
        for page in self._pages():
            self.stack.addWidget(page)
        right = QVBoxLayout()
        right.setSpacing(0)
        right.addWidget(self.stack, 1)
        right.addWidget(self.strip)
        right.addWidget(self.jobs)
        middle = QWidget()
        row = QHBoxLayout(middle)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._rail())
        row.addLayout(right, 1)
        self.setCentralWidget(middle)
        self.frame = QFrame(self)
        self.frame.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.frame.setStyleSheet(f"border: 2px solid {theme.tokens().accent};")
        self.frame.hide()

    def _rail(self) -> QFrame:
        rail = QFrame()
        rail.setObjectName("rail")
        rail.setFixedWidth(theme.RAIL)
        layout = QVBoxLayout(rail)
        layout.setContentsMargins(0, 8, 0, 8)
        layout.setSpacing(4)
        group = QButtonGroup(self)
        self._rail_buttons: list[QToolButton] = []
        for name, word in PAGES:
            button = QToolButton()
            set_role(button, "rail")
            button.setText(word)
            button.setAccessibleName(word)
            button.setToolTip(self.actions_book[f"page_{name}"].toolTip())
            button.setCheckable(True)
            button.setIconSize(QSize(26, 26))
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            button.clicked.connect(partial(self._on_rail_clicked, name))
            group.addButton(button)
            layout.addWidget(button)
            self._rail_buttons.append(button)
        layout.addStretch(1)
        self._draw_icons()
        return rail

    def _draw_icons(self) -> None:
        colors = theme.tokens()
        for (name, _), button in zip(PAGES, self._rail_buttons, strict=True):
            icon = QIcon(icons.pixmap(name, colors.text2, 26))
            icon.addPixmap(icons.pixmap(name, colors.text, 26), QIcon.Mode.Normal, QIcon.State.On)
            button.setIcon(icon)

    def _connect_actions(self) -> None:
        on = self.actions_book.on
        on("open", self._ask_files)
        on("open_folder", self._ask_folder)
        on("demo", self.demo_asked.emit)
        on("quit", self.close)
        on("undo", self._services.store.undo)
        on("redo", self._services.store.redo)
        for name, _ in PAGES:
            on(f"page_{name}", partial(self.show_page, name))
        for choice in ("dark", "light", "system"):
            on(f"theme_{choice}", partial(self._services.settings.change, theme=choice))
        on("full_screen", self._toggle_full_screen)
        on("cancel", lambda: self._cancel(self.jobs.job))
        on("keys", lambda: KeySheet(self.actions_book, self).open())
        on("about", self._show_about)

    def _connect_services(self) -> None:
        services = self._services
        library, volumes, matching = services.library, services.volumes, services.matching
        library.found.connect(self._on_library_found)
        library.progressed.connect(self._on_library_progressed)
        library.failed.connect(self._on_library_failed)
        library.stopped.connect(self.start.show_stopped)
        library.busy.connect(partial(self._on_busy, SCAN_JOB))
        library.recent_changed.connect(lambda: self.start.show_recent(library.recent))
        volumes.progressed.connect(self._on_volumes_progressed)
        volumes.opened.connect(self._on_volumes_ended)
        volumes.failed.connect(self._on_volumes_ended)
        volumes.stopped.connect(self._on_volumes_ended)
        matching.embedding.connect(self._on_matching_embedding)
        matching.progressed.connect(self._on_matching_progressed)
        matching.busy.connect(partial(self._on_busy, MATCH_JOB))
        matching.device_changed.connect(lambda _text: self._show_device())
        matching.model_changed.connect(lambda _model: self._show_device())
        matching.noticed.connect(self._on_noticed)
        matching.stopped.connect(self._on_matching_stopped)
        matching.embed_failed.connect(lambda _series, error: self._on_failed(error))
        services.registering.progressed.connect(self._on_registering_progressed)
        services.registering.busy.connect(partial(self._on_busy, ALIGN_JOB))
        services.models.changed.connect(lambda _models: self._show_device())
        services.models.failed.connect(self._on_failed)
        services.settings.changed.connect(self._on_settings_changed)
        services.settings.failed.connect(self._on_failed)
        services.store.history_changed.connect(self._show_history)
        self.jobs.cancel_asked.connect(self._cancel)
        self.start.stop_asked.connect(library.cancel)
        self.start.recent_chosen.connect(self.open_paths)
        self.start.recent_removed.connect(library.forget)
        self.read.hovered.connect(self.jobs.show_place)
        self.read.stated.connect(self.jobs.show_state)
        self.read.title_changed.connect(self._show_title)
        self.read.noticed.connect(self._on_read_noticed)
        if services.settings.notice is not None:
            self._on_noticed(services.settings.notice)

    # -- what services say -----------------------------------------------------------------

    def _on_library_progressed(self, progress: Progress) -> None:
        self.jobs.show_job(SCAN_JOB, progress)
        self.start.show_loading(progress, self._services.library.n_waiting)

    def _on_library_found(self, brought: ScanReport) -> None:
        self.start.show_found(brought)
        self.read.show_report(self._services.library.report)
        is_shown = self.read.open_found(brought, self._dropped)
        if brought.series and is_shown:
            self.show_page(READ)
        self._say_skipped(brought.refusals, has_series=bool(brought.series))
        for notice in reversed(brought.notices):
            if notice.code != LISTED:
                self._on_noticed(notice)
        if brought.series:
            found = counted(len(brought.series), "series", "series")
            self.jobs.show_state(f"{found} found in {brought.seconds:.1f} s")

    def _say_skipped(self, refusals: Sequence[Refusal], *, has_series: bool) -> None:
        if not refusals or (not has_series and self.stack.currentWidget() is self.start):
            return  # the Start page lists them itself
        first = refusals[0]
        if len(refusals) == 1:
            message = Message("warn", refusal_line(first), first.hint, first.code)
        else:
            text = f"{counted(len(refusals), 'file')} skipped; each is listed with its reason."
            message = Message("warn", text, button="Show", call=self._show_skipped)
        self.say(message)

    def _show_skipped(self) -> None:
        self.show_page(READ)
        self.read.navigator.show_skipped()

    def _on_library_failed(self, error: SamdeskError) -> None:
        self.start.show_error(error)
        self._on_failed(error)

    def _on_volumes_progressed(self, _series: str, progress: Progress) -> None:
        self.jobs.show_job(OPEN_JOB, progress)

    def _on_volumes_ended(self, _series: str, _what: object = None) -> None:
        if not self._services.volumes.reading:
            self.jobs.end_job(OPEN_JOB)

    def _on_matching_embedding(self, series: str, progress: Progress) -> None:
        known = next((one for one in self.read.sides if one.series == series), None)
        where = "a scan" if known is None else f"{known.word} scan"
        text = f"{progress.doing or 'embedding'}, {where}"
        self.jobs.show_job(MATCH_JOB, Progress(progress.done, progress.total, text))

    def _on_matching_progressed(self, _question: object, progress: Progress) -> None:
        self.jobs.show_job(MATCH_JOB, progress)

    def _on_registering_progressed(self, _asked: object, progress: Progress) -> None:
        self.jobs.show_job(ALIGN_JOB, progress)

    def _on_matching_stopped(self) -> None:
        go_on = self._services.matching.go_on
        self.say(Message("info", "Stopped.", button="Go on", call=go_on))

    def _on_busy(self, job: str, is_busy: bool) -> None:
        if not is_busy:
            self.jobs.end_job(job)

    def _on_failed(self, error: SamdeskError) -> None:
        self.say(Message.of_error(error))

    def _on_noticed(self, notice: Notice) -> None:
        self.say(Message.of_notice(notice))

    def _on_read_noticed(self, notices: Sequence[Notice]) -> None:
        for notice in reversed(notices):
            self._on_noticed(notice)

    def _on_settings_changed(self, settings: Settings) -> None:
        app = QApplication.instance()
        if isinstance(app, QApplication) and theme.resolve(settings.theme) != theme.tokens().name:
            theme.apply(app, settings.theme)

    # -- what the window shows -------------------------------------------------------------

    def _show_device(self) -> None:
        matching = self._services.matching
        model, device = str(matching.model), matching.device
        asked = self._services.settings.now.device
        is_wished = not (asked == "cuda" and device and "cuda" not in device.lower())
        words = device if is_wished else f"GPU asked, got {device}"
        self.jobs.show_device(
            " · ".join(part for part in (words, model) if part), is_wished=is_wished
        )
        if model:
            ready = f"Ready: {_model_words(self._services.models.models)}"
            self.start.show_ready(f"{ready} · {words}" if words else ready, is_ready=True)
        else:
            text = "No model is installed: scans can be read, and places cannot be found."
            self.start.show_ready(text, is_ready=False)

    def _show_history(self, state: UndoState) -> None:
        for name, label in (("undo", state.undo), ("redo", state.redo)):
            action = self.actions_book[name]
            word = name.capitalize()
            self.actions_book.enable(name, "" if label else f"There is nothing to {name}.")
            action.setText(f"{word} {label[:1].lower() + label[1:]}" if label else word)

    def _show_title(self) -> None:
        side = self.read.focused
        title = "" if side.series is None else side.title.replace("  ·  ", " - ")
        self.setWindowTitle(f"{title} - samdesk" if title else "samdesk")

    def _show_about(self) -> None:
        words = _model_words(self._services.models.models)
        AboutDialog(words, self._services.matching.device, self).open()

    def _toggle_full_screen(self) -> None:
        self.showNormal() if self.isFullScreen() else self.showFullScreen()

    def _cancel(self, job: str) -> None:
        services = self._services
        call = {
            SCAN_JOB: services.library.cancel,
            OPEN_JOB: services.volumes.cancel,
            MATCH_JOB: services.matching.cancel,
            ALIGN_JOB: services.registering.cancel,
        }.get(job)
        if call is not None:
            call()
            self.jobs.end_job(job)

    def _on_rail_clicked(self, name: str, _checked: bool = False) -> None:
        self.show_page(name)

    def _ask_files(self) -> None:
        folder = self._services.settings.now.last_folder
        names, _ = QFileDialog.getOpenFileNames(self, "Open files", folder)
        self._open_chosen([Path(name) for name in names])

    def _ask_folder(self) -> None:
        folder = self._services.settings.now.last_folder
        name = QFileDialog.getExistingDirectory(self, "Open folder", folder)
        self._open_chosen([Path(name)] if name else [])

    def _open_chosen(self, paths: Sequence[Path]) -> None:
        settings = self._services.settings
        if paths and settings.now.is_recent_allowed:
            settings.change(last_folder=str(paths[0].parent))
        self.open_paths(paths)

    def changeEvent(self, event: QEvent) -> None:
        """Draw the icons anew in the colors of another theme."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.PaletteChange and hasattr(self, "frame"):
            self._draw_icons()
            self.start.refresh()
            self.strip.refresh()
            self.read.show_report(self._services.library.report)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Stop what runs before the window goes."""
        self._services.library.cancel()
        self._services.volumes.cancel()
        self._services.registering.cancel()
        self._services.matching.cancel()
        super().closeEvent(event)


def _model_words(models: Sequence[ModelInfo]) -> str:
    return ", ".join(f"{info.id} ({info.modality.value})" for info in models)
