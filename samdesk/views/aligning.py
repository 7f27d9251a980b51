"""The alignment of the two scans of the Read page: asked for, shown, looked through, taken back."""

from collections import OrderedDict
from collections.abc import Sequence
from functools import partial

import numpy as np
from PySide6.QtCore import QObject, Signal

from samdesk.core.geometry import Position
from samdesk.core.ids import SeriesId
from samdesk.core.plane import Plane, View
from samdesk.core.progress import Progress
from samdesk.core.window import Window
from samdesk.errors import SamdeskError
from samdesk.services.bundle import Services
from samdesk.services.registering import Aligned, Asked
from samdesk.views import alignment_words
from samdesk.views.actions import ActionBook
from samdesk.views.marks import Kind, Mark
from samdesk.views.sides import Side
from samdesk.views.tables.residuals import Tie, ties
from samdesk.views.widgets.alignment_panel import AlignmentPanel
from samdesk.views.widgets.fusion import Fusion, FusionMode, Values
from samdesk.views.widgets.shown import ShownVolume

FIRST_SHARE = 0.5
SHARE_STEP = 0.1
# Slices of the other scan that are held; a picture of 512 x 512 takes a megabyte.
SLICES_HELD = 48


class Aligning(QObject):
    """Holds the one alignment of the page, and shows it in the panes and in the panel."""

    # Something about the alignment is different: draw it anew.
    changed = Signal()
    # One was asked for, is there now, or is taken back: whether it is there.
    switched = Signal(bool)

    def __init__(
        self,
        services: Services,
        sides: Sequence[Side],
        panel: AlignmentPanel,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._services = services
        self._registering = services.registering
        self._sides = tuple(sides)
        self._panel = panel
        self.asked: Asked | None = None
        self.aligned: Aligned | None = None
        self.mode = FusionMode.COLORS
        self.share = FIRST_SHARE
        self.tie: Tie | None = None
        self._ties: tuple[Tie, ...] = ()
        self._has_used = False
        self._fusion: Fusion | None = None
        self._slices: OrderedDict[Plane, Values] = OrderedDict()
        registering = services.registering
        registering.aligned.connect(self._on_registering_aligned)
        registering.progressed.connect(self._on_registering_progressed)
        registering.failed.connect(self._on_registering_failed)
        registering.stopped.connect(self._on_registering_stopped)
        registering.sliced.connect(self._on_registering_sliced)
        registering.dropped.connect(self._on_registering_dropped)
        panel.mode_changed.connect(self.show_mode)
        panel.share_changed.connect(self.show_share)
        panel.tie_chosen.connect(self.choose)
        panel.bend_changed.connect(lambda _is_on: self._ask_again())
        panel.places_changed.connect(self._on_panel_places_changed)
        panel.again_asked.connect(self._ask_again)
        panel.cancel_asked.connect(registering.cancel)

    # -- asking ----------------------------------------------------------------------------

    def ask(self, fixed: Side, moving: Side) -> None:
        """Align the scan of one side to that of another."""
        if fixed.series is None or moving.series is None:
            return
        self._forget()
        self._begin(Asked(fixed.series, moving.series, self._panel.bend.isChecked()))

    def close(self) -> None:
        """Take the alignment back: each pane shows its own scan again."""
        self._forget()
        self.asked = None
        self._registering.cancel()
        self._panel.show_none()
        self._tell()

    def look_at(self, series: Sequence[SeriesId | None]) -> None:
        """Take the alignment back where one of its scans is on the screen no more."""
        asked = self.asked
        if asked is not None and not {asked.fixed, asked.moving} <= set(series):
            self.close()

    # -- what is shown ---------------------------------------------------------------------

    @property
    def is_on(self) -> bool:
        """Whether there is an alignment."""
        return self.aligned is not None

    def other_place(self, series: SeriesId | None, at_mm: Position) -> Position | None:
        """Take a place of one scan to the other; None where they are not aligned."""
        aligned = self.aligned
        if aligned is None or series not in (aligned.asked.fixed, aligned.asked.moving):
            return None
        warp = aligned.warp
        take = warp.to_moving if series == aligned.asked.fixed else warp.to_fixed
        x, y, z = (float(value) for value in take(np.array([at_mm], dtype=np.float64))[0])
        return x, y, z

    def fusion(self, series: SeriesId | None) -> Fusion | None:
        """Give what is drawn together with a scan; None for nothing."""
        aligned = self.aligned
        return self._fusion if aligned is not None and series == aligned.asked.fixed else None

    def marks(self, series: SeriesId | None) -> tuple[Mark, ...]:
        """Give the marks of the places in a scan."""
        aligned = self.aligned
        if aligned is None or series not in (aligned.asked.fixed, aligned.asked.moving):
            return ()
        is_fixed = series == aligned.asked.fixed

        def at_mm(tie: Tie) -> Position:
            return tie.fixed_mm if is_fixed else tie.moving_mm

        marks = [
            Mark(Kind.TIE if tie.is_used else Kind.STRUCK, at_mm(tie))
            for tie in self._ties
            if self._has_used or not tie.is_used
        ]
        if self.tie is not None:
            words = f"{self.tie.number}: {self.tie.residual_mm:.1f} mm"
            marks.append(Mark(Kind.SOURCE, at_mm(self.tie), words))
        return tuple(marks)

    def show_mode(self, mode: FusionMode) -> None:
        """Draw both scans together in another way, or not at all."""
        self.mode = mode
        self._fuse()

    def next_mode(self) -> None:
        """Go to the next way of drawing both scans."""
        kinds = list(FusionMode)
        self.show_mode(kinds[(kinds.index(self.mode) + 1) % len(kinds)])

    def show_share(self, share: float) -> None:
        """Draw more or less of the other scan."""
        self.share = min(1.0, max(0.0, share))
        self._fuse()

    def change_share(self, steps: int) -> None:
        """Draw more of the other scan, or less, by a step of the keys."""
        self.show_share(self.share + steps * SHARE_STEP)

    def choose(self, tie: Tie) -> None:
        """Look at a place in both scans."""
        self.tie = tie
        self.changed.emit()
        aligned = self.aligned
        if aligned is None:
            return
        for series, at_mm in (
            (aligned.asked.fixed, tie.fixed_mm),
            (aligned.asked.moving, tie.moving_mm),
        ):
            side = self._side(series)
            if side is not None:
                side.pane.go_to(at_mm)

    def enable(self, actions: ActionBook) -> None:
        """Enable what can be done, and say why the rest cannot."""
        first, second = (side.series for side in self._sides)
        actions.enable("align", self._registering.cannot_say(first, second))
        not_yet = "The scans are not aligned: Ctrl+R aligns them."
        actions.enable("unalign", "" if self.asked is not None else not_yet)
        actions.enable("fusion", "" if self.is_on else not_yet)

    # -- inside ----------------------------------------------------------------------------

    def _begin(self, asked: Asked) -> None:
        self.asked = asked
        self._panel.show_scans(self._where(asked))
        self._tell()
        self._registering.ask(asked.fixed, asked.moving, asked.is_deformable)

    def _ask_again(self) -> None:
        """Ask the same once more, bent or not as it is chosen now."""
        asked = self.asked
        if asked is not None:
            self._forget()
            self._begin(Asked(asked.fixed, asked.moving, self._panel.bend.isChecked()))

    def _forget(self) -> None:
        self.aligned = None
        self.tie = None
        self._ties = ()
        self._fusion = None
        self._slices.clear()

    def _tell(self) -> None:
        self.switched.emit(self.is_on)
        self.changed.emit()

    def _side(self, series: SeriesId) -> Side | None:
        return next((side for side in self._sides if side.series == series), None)

    def _where(self, asked: Asked) -> str:
        fixed, moving = (self._side(one) for one in (asked.fixed, asked.moving))
        if fixed is None or moving is None:
            return ""
        return f"{moving.title}\nlaid onto\n{fixed.title}"

    def _fuse(self) -> None:
        """Make anew what the fused pane draws."""
        aligned = self.aligned
        self._panel.show_fusion(self.mode, self.share)
        self._fusion = None
        if aligned is not None and self.mode is not FusionMode.OFF:
            moving = self._side(aligned.asked.moving)
            title = "" if moving is None else moving.short_title
            values = partial(self._values, aligned)
            self._fusion = Fusion(self.mode, self.share, title, values, self._other_window(aligned))
        self.changed.emit()

    def _other_window(self, aligned: Aligned) -> Window | None:
        """Give the black and white of a scan whose values mean something else."""
        fixed, moving = (self._side(i) for i in (aligned.asked.fixed, aligned.asked.moving))
        if fixed is None or moving is None:
            return None
        here, there = fixed.pane.shown, moving.pane.shown
        if not isinstance(here, ShownVolume) or not isinstance(there, ShownVolume):
            return None
        is_alike = here.volume.unit is there.volume.unit and here.presets == there.presets
        return None if is_alike else moving.pane.window_shown

    def _values(self, aligned: Aligned, view: View, plane: Plane) -> Values | None:
        """Give the other scan on a plane; where it is not drawn yet, see to it."""
        known = self._slices.get(plane)
        if known is None:
            self._registering.ask_slice(aligned, view, plane)
        else:
            self._slices.move_to_end(plane)
        return known

    def _on_registering_progressed(self, asked: Asked, progress: Progress) -> None:
        if asked == self.asked:
            self._panel.show_busy(progress, alignment_words.device(self._services.matching.device))

    def _on_registering_aligned(self, aligned: Aligned) -> None:
        if aligned.asked != self.asked:
            return
        self.aligned = aligned
        self._ties = ties(aligned)
        is_other = self._is_other_patient(aligned.asked)
        warning = alignment_words.warning(aligned, is_other_patient=is_other)
        self._panel.show_aligned(
            alignment_words.chip(aligned),
            alignment_words.detail(aligned),
            warning,
            self._ties,
            is_doubtful=alignment_words.is_doubtful(aligned),
        )
        self._fuse()
        self.switched.emit(True)

    def _is_other_patient(self, asked: Asked) -> bool:
        known = [self._services.library.series(one) for one in (asked.fixed, asked.moving)]
        fixed, moving = known
        return fixed is not None and moving is not None and fixed.patient != moving.patient

    def _on_registering_failed(self, asked: Asked, error: SamdeskError) -> None:
        if asked == self.asked:
            self._panel.show_refused(error.what, error.hint)

    def _on_registering_stopped(self, asked: Asked) -> None:
        if asked == self.asked:
            self._panel.show_stopped()

    def _on_registering_sliced(self, aligned: Aligned, plane: Plane, values: Values) -> None:
        if aligned is not self.aligned:
            return
        self._slices[plane] = values
        while len(self._slices) > SLICES_HELD:
            self._slices.popitem(last=False)
        side = self._side(aligned.asked.fixed)
        if side is not None:
            side.pane.refresh()

    def _on_registering_dropped(self, series: str) -> None:
        if self.asked is not None and series in (self.asked.fixed, self.asked.moving):
            self.close()

    def _on_panel_places_changed(self, has_used: bool) -> None:
        self._has_used = has_used
        self.changed.emit()
