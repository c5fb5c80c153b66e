"""The queries about audits, wherever the store is: hand one to `Client.run`."""

from controlsurface.audit.calibration_query import CalibrationArgs, CalibrationQuery
from controlsurface.audit.disagreement_query import DisagreementArgs, DisagreementQuery
from controlsurface.audit.sampling_plan import LogSamplingCommand, SamplingArgs, SamplingPlanQuery, SamplingQuery
from controlsurface.audit.what_if_query import WhatIfArgs, WhatIfQuery

__all__ = [
    "CalibrationArgs",
    "CalibrationQuery",
    "DisagreementArgs",
    "DisagreementQuery",
    "LogSamplingCommand",
    "SamplingArgs",
    "SamplingPlanQuery",
    "SamplingQuery",
    "WhatIfArgs",
    "WhatIfQuery",
]
