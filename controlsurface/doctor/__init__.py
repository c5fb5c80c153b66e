"""Is everything as it should be? One finding a check; each says what to do."""

from controlsurface.doctor.checks import DoctorFinding, DoctorTarget, run_checks
from controlsurface.doctor.config_toml import config_as_toml
from controlsurface.doctor.coverage_text import coverage_as_lines, coverage_as_table, fact_coverage

__all__ = [
    "DoctorFinding",
    "DoctorTarget",
    "config_as_toml",
    "coverage_as_lines",
    "coverage_as_table",
    "fact_coverage",
    "run_checks",
]
