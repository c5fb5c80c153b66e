"""`python -m controlsurface.serve.dashboard`: `streamlit`, with a limit to its server's connections and their slowness.

Streamlit 1.67 makes its uvicorn itself and has no setting for the protocol; uvicorn looks "auto" up in a table.
"""

import runpy

import uvicorn.config

from controlsurface.web.connections import HttpConnectionLimits, limited_protocol
from controlsurface.web.dashboard_access import DashboardAccess
from controlsurface.web.refusal_counter import RefusalCounter

PROTOCOL = limited_protocol(HttpConnectionLimits.of(DashboardAccess.told().server), RefusalCounter("dashboard"))


def main() -> None:
    """Hand over to Streamlit's command line."""
    uvicorn.config.HTTP_PROTOCOLS["auto"] = "controlsurface.serve.dashboard:PROTOCOL"
    runpy.run_module("streamlit", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
