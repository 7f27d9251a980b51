"""Names that tell one kind of id from another."""

from typing import NewType

PatientId = NewType("PatientId", str)
StudyId = NewType("StudyId", str)
SeriesId = NewType("SeriesId", str)
PointId = NewType("PointId", str)
LesionId = NewType("LesionId", str)
ModelId = NewType("ModelId", str)
RunId = NewType("RunId", str)
