"""The list of what was dropped: patients, studies, series, and what was skipped with its reason."""

from collections.abc import Collection, Sequence

from PySide6.QtCore import QMimeData, QModelIndex, Qt
from PySide6.QtGui import QColor, QFont, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QWidget

from samdesk.core.ids import PatientId, SeriesId
from samdesk.core.reading import Refusal, ScanReport
from samdesk.core.study import Series
from samdesk.views import theme
from samdesk.views.strings import counted, refusal_line

SERIES_MIME = "application/x-samdesk-series"
SERIES_ROLE = Qt.ItemDataRole.UserRole + 1
# A folder of ten thousand text files shall not fill the list.
MOST_SKIPPED = 500


class SeriesModel(QStandardItemModel):
    """A tree over a ScanReport; items of series carry their id in SERIES_ROLE."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._report = ScanReport(())
        self._are_names_hidden = False
        self._items: dict[SeriesId, QStandardItem] = {}
        self.setHorizontalHeaderLabels(["Scans"])

    @property
    def report(self) -> ScanReport:
        """What the list shows."""
        return self._report

    def show_report(self, report: ScanReport, *, are_names_hidden: bool = False) -> None:
        """Show what was found."""
        self._report = report
        self._are_names_hidden = are_names_hidden
        self.removeRows(0, self.rowCount())
        self._items = {}
        for number, patient in enumerate(patients(report.series), 1):
            self.appendRow(self._patient(number, patient))
        if report.refusals:
            self.appendRow(self._skipped(report.refusals))

    def show_open(self, left: SeriesId | None, right: SeriesId | None) -> None:
        """Write those on the screen in bold, with the side they are on."""
        for series, item in self._items.items():
            sides = "".join(sign for sign, one in (("◧", left), ("◨", right)) if one == series)
            font = QFont(item.font())
            font.setBold(bool(sides))
            item.setFont(font)
            label = str(item.data(Qt.ItemDataRole.UserRole + 2))
            item.setText(f"{sides} {label}" if sides else label)

    def index_of(self, series: SeriesId) -> QModelIndex:
        """Find the row of a series."""
        item = self._items.get(series)
        return QModelIndex() if item is None else self.indexFromItem(item)

    def series_at(self, index: QModelIndex) -> SeriesId | None:
        """Give the series of a row; None for groups and skipped files."""
        name = index.data(SERIES_ROLE)
        return None if name is None else SeriesId(str(name))

    def mimeTypes(self) -> list[str]:  # noqa: N802 - Qt names it
        """Say what a dragged row is."""
        return [SERIES_MIME]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:  # noqa: N802 - Qt names it
        """Pack the series of a dragged row."""
        data = QMimeData()
        for index in indexes:
            series = self.series_at(index)
            if series is not None:
                data.setData(SERIES_MIME, str(series).encode())
        return data

    def _patient(self, number: int, patient: PatientId) -> QStandardItem:
        found = [one for one in self._report.series if one.patient == patient]
        name = f"Patient {number}" if self._are_names_hidden or not patient else str(patient)
        top = _item(name, is_bold=True)
        for study in dict.fromkeys(one.study for one in found):
            in_study = [one for one in found if one.study == study]
            group = _item(study_words(in_study))
            for one in in_study:
                group.appendRow(self._series(one))
            top.appendRow(group)
        return top

    def _series(self, series: Series) -> QStandardItem:
        label = series_words(series)
        item = _item(label)
        item.setData(str(series.id), SERIES_ROLE)
        item.setData(label, Qt.ItemDataRole.UserRole + 2)
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsDragEnabled)
        notes = [notice.sentence for notice in series.notices]
        item.setToolTip("\n".join([series_details(series), *notes]))
        if series.is_apart:
            item.setForeground(QColor(theme.tokens().text2))
        self._items[series.id] = item
        return item

    def _skipped(self, refusals: Sequence[Refusal]) -> QStandardItem:
        top = _item(f"Skipped ({len(refusals):,})")
        top.setForeground(QColor(theme.tokens().warn))
        for refusal in refusals[:MOST_SKIPPED]:
            item = _item(refusal_line(refusal))
            item.setToolTip(f"{refusal.reason} {refusal.hint}".strip() + f"\n[{refusal.code}]")
            item.setForeground(QColor(theme.tokens().text2))
            top.appendRow(item)
        if len(refusals) > MOST_SKIPPED:
            top.appendRow(_item(f"and {counted(len(refusals) - MOST_SKIPPED, 'more file')}"))
        return top


def patients(series: Collection[Series]) -> list[PatientId]:
    """List the patients in the order in which they were found."""
    return list(dict.fromkeys(one.patient for one in series))


def study_words(series: Sequence[Series]) -> str:
    """Name a study: its date and what it was taken with."""
    date = next((one.study_date for one in series if one.study_date), None)
    kinds = ", ".join(dict.fromkeys(one.modality.value for one in series))
    return f"{date.isoformat() if date else 'no date'}  {kinds}"


def series_words(series: Series) -> str:
    """Name a series in a list: its label and how many slices it has."""
    if series.is_picture:
        return f"{series.label}  radiograph"
    if series.shape is None:
        return series.label
    return f"{series.label}  {series.shape[0]}"


def series_details(series: Series) -> str:
    """Describe a series in a line: size, spacing, kind."""
    parts = [f"#{series.number}", series.modality.value]
    if series.shape is not None:
        k, j, i = series.shape
        parts.append(f"{i} x {j} px" if series.is_picture else f"{i} x {j} x {k} voxels")
    if series.spacing is not None:
        k_mm, j_mm, i_mm = series.spacing
        parts.append(f"{i_mm:.3g} x {j_mm:.3g} x {k_mm:.3g} mm")
    if series.is_apart:
        parts.append("localizer or capture")
    return " · ".join(parts)


def title_words(series: Series) -> str:
    """Name a series over its pictures."""
    date = series.study_date.isoformat() if series.study_date else ""
    return "  ·  ".join(part for part in (date, series.modality.value, series.label) if part)


def _item(text: str, *, is_bold: bool = False) -> QStandardItem:
    item = QStandardItem(text)
    item.setEditable(False)
    item.setDropEnabled(False)
    item.setDragEnabled(False)
    if is_bold:
        font = QFont(item.font())
        font.setBold(True)
        item.setFont(font)
    return item
