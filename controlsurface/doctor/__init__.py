"""Is everything as it should be? One finding a check; each says what to do."""

from controlsurface.doctor.checks import Patient, examine
from controlsurface.doctor.configuration import as_toml
from controlsurface.doctor.filled import as_lines, as_table, filled
from controlsurface.doctor.finding import Finding

__all__ = ["Finding", "Patient", "as_lines", "as_table", "as_toml", "examine", "filled"]
