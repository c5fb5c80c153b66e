"""The dashboard as a server: Streamlit's own, with what it leaves out."""

import streamlit as st
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from controlsurface.content import DASHBOARDS
from controlsurface.ui.front import DarkUnlessChosen
from controlsurface.ui.signin import SignIn
from controlsurface.ui.visitor import people

TOKENS = tuple(people())

app = st.App(
    DASHBOARDS / "app.py",
    middleware=[
        # Streamlit leaves its own bundles uncompressed: 10 MB where 3 do.
        Middleware(GZipMiddleware, compresslevel=5),
        *([Middleware(SignIn, tokens=TOKENS)] if TOKENS else []),
        Middleware(DarkUnlessChosen),
    ],
)
