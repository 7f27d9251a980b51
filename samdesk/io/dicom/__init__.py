"""The parts of reading DICOM: grouping, stacking, pixels."""
