"""What may be asked of audits, wherever the store is: hand one to `Reader.ask`."""

from controlsurface.audit.calibrated import Calibration, CalibrationArgs
from controlsurface.audit.decided import NoteSampling, Plan, Sampling, SamplingArgs
from controlsurface.audit.disagreement import Disagreement, DisagreementArgs
from controlsurface.audit.threshold import WhatIf, WhatIfArgs

__all__ = [
    "Calibration",
    "CalibrationArgs",
    "Disagreement",
    "DisagreementArgs",
    "NoteSampling",
    "Plan",
    "Sampling",
    "SamplingArgs",
    "WhatIf",
    "WhatIfArgs",
]
