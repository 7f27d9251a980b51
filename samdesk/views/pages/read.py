"""The Read page: two scans side by side, and a click in one that is found in the other."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSplitter, QVBoxLayout, QWidget

from samdesk.core.geometry import Position
from samdesk.core.ids import ModelId, PointId, SeriesId
from samdesk.core.match import Match
from samdesk.core.project import Judgement
from samdesk.core.reading import ScanReport
from samdesk.services.bundle import Services
from samdesk.services.settings import Settings
from samdesk.views import opening, read_words
from samdesk.views.actions import ActionBook, Context
from samdesk.views.aligning import Aligning
from samdesk.views.asking import Asking
from samdesk.views.linking import Linking
from samdesk.views.sides import Link, Side
from samdesk.views.widgets.alignment_panel import AlignmentPanel, RightColumn
from samdesk.views.widgets.inspector import Inspector
from samdesk.views.widgets.navigator import Navigator
from samdesk.views.widgets.scan_pane import ScanPane
from samdesk.views.widgets.slice_view import ZOOM_STEP, SliceView

OPACITY_STEP = 0.1
EMPTY_LEFT = "Drop a scan here, or choose one in the list."
EMPTY_RIGHT = "Drop a second scan here: what you click in the first is found in it."


class ReadPage(QWidget):
    """Navigator, two panes and the inspector; keeps which scan is where and what is linked."""

    # What is under the pointer: place and value in words.
    hovered = Signal(str, str)
    # A short word for the status line.
    stated = Signal(str)
    # Another pane has the focus, or another scan is in it.
    title_changed = Signal()
    # Notices of an opened scan: a tuple of core.reading.Notice.
    noticed = Signal(object)

    def __init__(
        self, services: Services, actions: ActionBook, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self._services = services
        self._actions = actions
        self.asking = Asking(services, self)
        self.navigator = Navigator()
        self.inspector = Inspector(actions)
        self.left = Side(ScanPane("Left scan", EMPTY_LEFT), services, "left", self)
        self.right = Side(ScanPane("Right scan", EMPTY_RIGHT), services, "right", self)
        self.alignment = AlignmentPanel(actions)
        self.aligning = Aligning(services, self.sides, self.alignment, self)
        self.linking = Linking(self.aligning, self)
        self._current_place = 0
        self._opacity = 1.0
        self._build()
        self._connect()
        self._connect_actions()
        self._on_settings_changed(services.settings.now)
        self._refresh()

    # -- scans -----------------------------------------------------------------------------

    @property
    def sides(self) -> tuple[Side, Side]:
        """Left and right."""
        return self.left, self.right

    @property
    def focused(self) -> Side:
        """The side whose view has the focus; the left one without any."""
        has_focus = any(view.hasFocus() for view in self.right.pane.views.values())
        return self.right if has_focus or self.left.series is None else self.left

    def show_report(self, report: ScanReport) -> None:
        """List all that was dropped so far."""
        hidden = self._services.settings.now.are_names_hidden
        self.navigator.show_report(report, are_names_hidden=hidden)
        self._mark_open()

    def open_found(self, brought: ScanReport, dropped: Sequence[Path] = ()) -> bool:
        """Show what a drop brought as far as there is room; tells whether anything is shown."""
        first, second = opening.pair_to_open(brought.series, dropped)
        if first is None:
            return self.left.series is not None
        if self.left.series is None:
            self.show_in(self.left, first)
            if second is not None and self.right.series is None:
                self.show_in(self.right, second)
        elif self.right.series is None and first != self.left.series:
            one, other = (self._services.library.series(i) for i in (self.left.series, first))
            if not opening.is_other_patient(one, other):
                self.show_in(self.right, first)
        return True

    def show_in(self, side: Side, series: SeriesId) -> None:
        """Show a series on a side."""
        if side.series == series:
            return
        if self.asking.question is not None:
            self.asking.forget()
        side.open(series)
        self.aligning.look_at([one.series for one in self.sides])
        self._services.volumes.show([one.series for one in self.sides if one.series is not None])
        self._mark_open()
        self.title_changed.emit()

    def show_layout(self, name: str) -> None:
        """Show two scans, or the left or right one alone."""
        self.left.pane.setVisible(name != "right")
        self.right.pane.setVisible(name != "left")

    # -- building --------------------------------------------------------------------------

    def _build(self) -> None:
        self.panes = QSplitter(Qt.Orientation.Horizontal)
        self.panes.addWidget(self.left.pane)
        self.panes.addWidget(self.right.pane)
        self.panes.setSizes([500, 500])
        area = QWidget()
        inner = QVBoxLayout(area)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.addWidget(self.panes)
        self._actions.attach(area, Context.PANES)
        self.area = area
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.column = RightColumn(self.inspector, self.alignment)
        for widget, stretch in ((self.navigator, 0), (area, 1), (self.column, 0)):
            self.splitter.addWidget(widget)
            self.splitter.setStretchFactor(self.splitter.count() - 1, stretch)
        self.splitter.setSizes([250, 880, 310])
        for one in (self.panes, self.splitter):
            one.setHandleWidth(3)
            one.setChildrenCollapsible(False)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.splitter)

    def _connect(self) -> None:
        for side in self.sides:
            pane = side.pane
            pane.clicked.connect(partial(self._on_pane_clicked, side))
            pane.cursor_moved.connect(partial(self._on_pane_cursor_moved, side))
            pane.hovered.connect(partial(self._on_pane_hovered, side))
            pane.mark_moved.connect(partial(self._on_pane_mark_moved, side))
            pane.menu_asked.connect(partial(self._on_pane_menu_asked, side))
            pane.series_dropped.connect(partial(self._on_series_dropped, side))
            pane.banner.pressed.connect(self._on_banner_pressed)
            pane.notices_asked.connect(partial(self._on_notices_asked, side))
            side.opened.connect(partial(self._on_side_opened, side))
        self.navigator.chosen.connect(self._on_navigator_chosen)
        self.inspector.place_chosen.connect(self._on_inspector_place_chosen)
        self.inspector.point_chosen.connect(self._on_inspector_point_chosen)
        self.inspector.opacity_changed.connect(self._on_inspector_opacity_changed)
        self.inspector.model_chosen.connect(lambda name: self._services.matching.use(ModelId(name)))
        self.asking.changed.connect(self._refresh)
        self.asking.landed.connect(self._on_asking_landed)
        self.aligning.changed.connect(self._refresh)
        self.aligning.switched.connect(self._on_aligning_switched)
        self.linking.changed.connect(self._on_linking_changed)
        self._services.settings.changed.connect(self._on_settings_changed)
        self._services.models.changed.connect(self._on_models_changed)

    def _connect_actions(self) -> None:
        on = self._actions.on
        for name, slices in (
            ("slice_before", -1), ("slice_after", 1), ("slices_before", -10),
            ("slices_after", 10), ("slice_first", -(10**6)), ("slice_last", 10**6),
        ):  # fmt: skip
            on(name, partial(self._step, slices))
        for number in range(1, 7):
            on(f"preset_{number}", partial(self._each, "preset", number))
        on("preset_0", lambda: self._each("own_window"))
        on("invert", lambda: self.focused.pane.invert())
        on("reset_view", lambda: self.focused.pane.reset())
        on("center", lambda: self.focused.pane.center())
        on("maximize", lambda: self.focused.pane.toggle_alone())
        on("zoom_in", lambda: self._view().zoom(ZOOM_STEP))
        on("zoom_out", lambda: self._view().zoom(1 / ZOOM_STEP))
        on("series_before", lambda: self._next_series(-1))
        on("series_after", lambda: self._next_series(1))
        for name in ("crosshair", "overlays"):
            self._actions[name].setChecked(True)
            on(name, self._show_flags)
        on("link", self.linking.next)
        on("match", self._ask_here)
        on("heat", lambda: self.asking.show_heat(self._actions["heat"].isChecked()))
        on("heat_less", lambda: self._change_opacity(-OPACITY_STEP))
        on("heat_more", lambda: self._change_opacity(OPACITY_STEP))
        for number in range(1, 4):
            on(f"other_{number}", partial(self._on_inspector_place_chosen, number))
        for name, judgement in (
            ("accept", Judgement.ACCEPTED), ("reject", Judgement.REJECTED),
            ("not_here", Judgement.NOT_HERE), ("unsure", Judgement.UNSURE),
        ):  # fmt: skip
            on(name, partial(self._judge, judgement))
        on("remove", self.asking.remove)
        on("align", self._align)
        on("unalign", self.aligning.close)
        on("fusion", self.aligning.next_mode)
        for name in ("two", "left", "right"):
            on(f"layout_{name}", partial(self.show_layout, name))

    # -- clicks ----------------------------------------------------------------------------

    def _other(self, side: Side) -> Side:
        return self.right if side is self.left else self.left

    def _on_pane_clicked(self, side: Side, at_mm: Position) -> None:
        self._on_pane_cursor_moved(side, at_mm)
        if self.linking.link is Link.ANATOMY:
            self._ask(side, at_mm)
        self.title_changed.emit()

    def _ask(self, side: Side, at_mm: Position) -> None:
        other = self._other(side)
        if side.series is None or other.series is None:
            self.stated.emit("Open a second scan to find this place in it.")
            return
        self._current_place = 0
        self.asking.ask(at_mm, side.series, other.series)

    def _ask_here(self) -> None:
        side = self.focused
        self._ask(side, side.pane.cursor_mm)

    def _on_pane_cursor_moved(self, side: Side, at_mm: Position) -> None:
        before = side.pane.cursor_mm
        side.pane.show_cursor(at_mm)
        self.linking.follow(side, self._other(side), before)
        shown = side.pane.shown
        if shown is not None:
            self.hovered.emit(shown.place_words(at_mm), shown.value_words(at_mm))

    def _on_pane_hovered(self, side: Side, at_mm: Position | None) -> None:
        shown = side.pane.shown
        if at_mm is None or shown is None:
            self.hovered.emit("", "")
        else:
            self.hovered.emit(shown.place_words(at_mm), shown.value_words(at_mm))

    def _on_pane_mark_moved(self, side: Side, at_mm: Position) -> None:
        self.asking.judge(Judgement.MOVED, at_mm)
        side.pane.show_cursor(at_mm)

    def _on_pane_menu_asked(self, side: Side, where: QPoint, at_mm: Position) -> None:
        if side.pane.shown is not None:
            self.menu(side, at_mm).popup(where)

    def menu(self, side: Side, at_mm: Position) -> QMenu:
        """Make the menu of a place."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        find = menu.addAction("Find this place in the other scan")
        find.setEnabled(self._other(side).series is not None)
        find.triggered.connect(lambda: self._ask(side, at_mm))
        menu.addAction(self._actions["align"])
        shown = side.pane.shown
        words = "" if shown is None else shown.place_words(at_mm)
        menu.addAction(f"Copy  {words}").triggered.connect(lambda: read_words.copy(words))
        return menu

    def _on_asking_landed(self, match: Match) -> None:
        side = self._follow_up()
        if side is not None and match.at_mm is not None:
            side.pane.go_to(self.asking.at_mm or match.at_mm)

    def _on_banner_pressed(self) -> None:
        match, side = self.asking.match, self._follow_up()
        if self.asking.is_stopped or self.asking.error is not None:
            self._services.matching.go_on()
            self.asking.again()
        elif match is not None and match.nearest_mm is not None and side is not None:
            side.pane.go_to(match.nearest_mm)

    def _on_inspector_place_chosen(self, number: int) -> None:
        places, side = self.inspector.places.places, self._follow_up()
        if side is not None and 0 <= number < len(places):
            self._current_place = number
            side.pane.go_to(places[number].at_mm)
            self.inspector.table.selectRow(number)

    def _on_inspector_point_chosen(self, name: str) -> None:
        point = PointId(name)
        baseline = self._services.store.project.placed_in.get(point)
        side = next((one for one in self.sides if one.series == baseline), None)
        if side is None:
            self.stated.emit("The scan of this point is not on the screen.")
            return
        side.pane.go_to(self._services.store.project.points[point].at_mm)
        other = self._other(side)
        if other.series is not None:
            self.asking.choose(point, other.series)

    def _judge(self, judgement: Judgement) -> None:
        places = self.inspector.places.places
        number = self._current_place
        if judgement is Judgement.ACCEPTED and 0 < number < len(places):
            # Another place than the program's first one is a person's choice.
            self.asking.judge(Judgement.MOVED, places[number].at_mm)
        else:
            self.asking.judge(judgement)

    # -- state -----------------------------------------------------------------------------

    def _follow_up(self) -> Side | None:
        question = self.asking.question
        if question is None:
            return None
        return next((one for one in self.sides if one.series == question.follow_up), None)

    def _refresh(self) -> None:
        """Draw anew what depends on the question: marks, map, banner, inspector, actions."""
        asking, follow_up = self.asking, self._follow_up()
        for side in self.sides:
            pane = side.pane
            marks = () if side.series is None else asking.marks(side.series)
            pane.show_marks(self.aligning.marks(side.series) + marks)
            pane.show_fusion(self.aligning.fusion(side.series))
            pane.show_heat(asking.heat if side is follow_up else None, self._opacity)
            said = read_words.banner(asking) if side is follow_up else None
            if said is None:
                pane.banner.say_nothing()
            else:
                pane.banner.say(*said)
        title = "" if follow_up is None else f"in {follow_up.title}"
        self.inspector.show_head(*read_words.head(asking, title))
        self.inspector.show_places(read_words.places(asking, follow_up), self._current_place)
        current = asking.question.point if asking.question is not None else ""
        other = self.right if follow_up is None else follow_up
        lines = read_words.point_lines(self._services.store, other.series)
        self.inspector.show_points(lines, current)
        self._enable()

    def _enable(self) -> None:
        asking = self.asking
        nothing = "" if asking.question is not None else "No place chosen: click in an image."
        found = nothing or ("" if asking.at_mm is not None else "There is no place to accept.")
        self._actions.enable("accept", found)
        for name in ("reject", "not_here", "unsure"):
            self._actions.enable(name, nothing)
        is_kept = asking.question is not None and asking.judged is not None
        self._actions.enable("remove", "" if is_kept else "This place is no point of the project.")
        self._actions.enable("heat", nothing)
        for number in range(1, 4):
            is_there = number < self.inspector.places.rowCount()
            reason = "" if is_there else "There is no such alternative."
            self._actions.enable(f"other_{number}", reason)

        self.aligning.enable(self._actions)

    def _align(self) -> None:
        self.aligning.ask(self.focused, self._other(self.focused))

    def _on_aligning_switched(self, is_on: bool) -> None:
        is_asked = self.aligning.asked is not None
        self.column.show_page(int(is_asked), has_both=is_asked)
        if is_on:
            self._on_pane_cursor_moved(self.focused, self.focused.pane.cursor_mm)

    def _on_side_opened(self, side: Side) -> None:
        one, other = (self._services.library.series(i.series or SeriesId("")) for i in self.sides)
        self.right.pane.show_other_patient(opening.is_other_patient(one, other))
        if side.notices:
            self.noticed.emit(side.notices)
        self._refresh()
        self.title_changed.emit()

    def _on_navigator_chosen(self, series: SeriesId, where: str) -> None:
        side = {"left": self.left, "right": self.right}.get(where)
        if side is None:
            side = self.left if self.left.series is None else self.right
            if self.right.series is not None and self.focused is self.left:
                side = self.left
        self.show_in(side, series)

    def _on_inspector_opacity_changed(self, opacity: float) -> None:
        self._opacity = opacity
        self._refresh()

    def _change_opacity(self, by: float) -> None:
        if self.aligning.is_on and not self.asking.is_heat_wanted:
            self.aligning.change_share(round(by / OPACITY_STEP))
            return
        slider = self.inspector.opacity
        slider.setValue(slider.value() + round(by * 100))

    def _on_settings_changed(self, settings: Settings) -> None:
        for side in self.sides:
            side.pane.set_mouse(
                is_crosshair_dragged=settings.mouse == "crosshair",
                is_wheel_reversed=settings.is_wheel_reversed,
            )
        self.show_report(self._services.library.report)

    def _on_models_changed(self, _models: object) -> None:
        models = self._services.models.models
        self.inspector.show_models(models, str(self._services.matching.model))

    def _show_flags(self) -> None:
        for side in self.sides:
            side.pane.show_flags(
                has_crosshair=self._actions["crosshair"].isChecked(),
                has_overlays=self._actions["overlays"].isChecked(),
            )

    def _on_linking_changed(self, word: str) -> None:
        self.inspector.show_link(f"Link: {word}")
        self.stated.emit(f"Link: {word}")

    def _mark_open(self) -> None:
        self.navigator.model.show_open(self.left.series, self.right.series)

    def _next_series(self, step: int) -> None:
        side = self.focused
        ids = [one.id for one in self._services.library.report.series]
        if side.series in ids:
            number = ids.index(side.series) + step
            if 0 <= number < len(ids):
                self.show_in(side, ids[number])

    def _step(self, slices: int) -> None:
        self._view().step(slices)

    def _on_series_dropped(self, side: Side, name: str) -> None:
        self.show_in(side, SeriesId(name))

    def _on_notices_asked(self, side: Side) -> None:
        self.noticed.emit(side.notices)

    def _view(self) -> SliceView:
        pane = self.focused.pane
        views = list(pane.views.values())
        return next((view for view in views if view.hasFocus()), views[0])

    def _each(self, name: str, *arguments: int) -> None:
        """Windows belong to both scans: what is compared has to look alike."""
        for side in self.sides:
            getattr(side.pane, name)(*arguments)
