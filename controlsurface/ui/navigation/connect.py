"""How to send something to a server that has received nothing: one tab a client, with this server's own address."""

import streamlit as st

from controlsurface.ui.elements.html_tags import html_tag, html_text

# By the client's name: what to do, the language of the lines, the lines; {otlp} is this server's OTLP/HTTP address.
CLIENTS: dict[str, tuple[str, str, str]] = {
    "Any OpenTelemetry SDK": (
        "Set these for the process that is the router; every SDK reads them.",
        "shell",
        """export OTEL_EXPORTER_OTLP_ENDPOINT={otlp}
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_SERVICE_NAME=my-router""",
    ),
    "Python": (
        "pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http",
        "python",
        """from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter("{otlp}/v1/traces")))
trace.set_tracer_provider(provider)

with trace.get_tracer("router").start_as_current_span("route") as span:
    span.set_attribute("controlsurface.task_type", "chat")
    span.set_attribute("controlsurface.lane", "small")
    span.set_attribute("controlsurface.router.confidence", 0.83)
    span.set_attribute("controlsurface.router.threshold", 0.60)""",
    ),
    "LiteLLM": (
        "In the proxy's config.yaml, and these variables for its process.",
        "yaml",
        "# OTEL_EXPORTER=otlp_http\n# OTEL_ENDPOINT={otlp}/v1/traces\nlitellm_settings:\n  callbacks: [otel]",
    ),
    "Collector": (
        "A second exporter in the OpenTelemetry Collector's configuration.",
        "yaml",
        """exporters:
  otlphttp/controlsurface:
    endpoint: {otlp}
service:
  pipelines:
    traces:
      exporters: [otlphttp/controlsurface]""",
    ),
    "curl": (
        "One request by hand, to see that the way is open.",
        "shell",
        """curl {otlp}/v1/traces -H 'Content-Type: application/json' -d '{{
  "resourceSpans": [{{"scopeSpans": [{{"spans": [{{
  "traceId": "'$(openssl rand -hex 16)'", "spanId": "'$(openssl rand -hex 8)'", "name": "route",
  "startTimeUnixNano": "'$(date +%s)000000000'", "endTimeUnixNano": "'$(date +%s)900000000'",
  "attributes": [{{"key": "controlsurface.lane", "value": {{"stringValue": "small"}}}}]}}]}}]}}]}}'""",
    ),
    "Simulated": ("A router that does not exist, to look around.", "shell", "controlsurface demo --endpoint {otlp}"),
}


def connect_panel(otlp: str) -> None:
    """The tabs, and that we wait; the page is drawn anew by whoever shows this."""
    words = "Nothing has been received yet. Choose what sends, and copy the lines: the address is this server's."
    st.html(
        html_tag(
            "div",
            html_tag("h2", "Connect a router"),
            html_tag("p", html_text(words)),
            html_tag("p", html_tag("i", class_="cs-waiting"), "Waiting for the first span", class_="cs-wait"),
            class_="cs-state",
            role="status",
        )
    )
    for tab, (client_text, language, lines) in zip(st.tabs(list(CLIENTS)), CLIENTS.values(), strict=True):
        with tab:
            st.caption(client_text)
            st.code(lines.format(otlp=otlp), language=language)
