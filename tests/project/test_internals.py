"""What we use of the insides of others: each test names what is relied on, so that an upgrade without it says so."""

import inspect
import smtplib
from importlib.metadata import version
from pathlib import Path

import plotly.tools
import streamlit
import uvicorn.config
from streamlit.elements import plotly_chart
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from controlsurface.charts import ChartFigure
from controlsurface.ui.widgets.panels import StreamlitFigure
from controlsurface.web.connections import _LimitedProtocol

OWN = {"limits", "refusals", "idle"}


def test_the_protocol_is_written_for_this_uvicorn_and_this_streamlit() -> None:
    # web/connections.py overrides callbacks of its parser; serve/dashboard.py puts the protocol into its table.
    assert version("uvicorn").startswith("0.")
    assert version("streamlit").startswith("1.67.")
    assert uvicorn.config.HTTP_PROTOCOLS["auto"]


def test_each_callback_that_the_protocol_overrides_is_one_of_uvicorn() -> None:
    public = {name for name in vars(_LimitedProtocol) if not name.startswith("_")} - OWN
    assert {name for name in public if not hasattr(HttpToolsProtocol, name)} == set()
    made = inspect.getsource(HttpToolsProtocol.__init__)
    assert all(f"self.{name}" in made for name in ("connections", "transport", "loop", "cycle", "client"))


def test_smtplib_opens_its_connection_in_the_method_that_e_mail_overrides() -> None:
    assert "self._get_socket(host, port, self.timeout)" in inspect.getsource(smtplib.SMTP.connect)


def test_streamlit_takes_a_drawing_for_a_figure_of_plotly_and_asks_it_for_its_values() -> None:
    assert version("plotly").startswith("7.")
    figure = ChartFigure(({"type": "no type of plotly, so unchecked"},), {})
    taken = plotly.tools.return_figure_from_figure_or_data(StreamlitFigure(figure), validate_figure=True)
    assert taken == figure.packed()
    assert "plotly.io.to_json(figure, validate=False)" in inspect.getsource(plotly_chart)


def test_streamlit_keeps_the_theme_under_the_key_that_our_script_writes() -> None:
    scripts = (Path(streamlit.__file__).parent / "static" / "static" / "js").glob("*.js")
    assert any("stActiveTheme-${window.location.pathname}" in each.read_text("utf-8") for each in scripts)
