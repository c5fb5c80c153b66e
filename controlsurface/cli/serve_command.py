"""`controlsurface serve`: the whole product, in one command."""

from pathlib import Path

import click

from controlsurface.cli.command_options import active_config, config_file, data_option, port_option
from controlsurface.serve.serve_options import ListenPorts, ServeOptions
from controlsurface.serve.supervisor import serve


@click.command()
@data_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@port_option("--port", 8501, "Dashboard.  [0: any free port, here and below]")
@port_option("--api-port", None, "API.  [default: the dashboard's + 1]")
@port_option("--otlp-http-port", 4318, "OTLP over HTTP.")
@port_option("--otlp-grpc-port", 4317, "OTLP over gRPC.")
@click.option(
    "--demo", is_flag=True, help="Simulate a router: four weeks of history on a new store, then live traffic."
)
@click.option(
    "--alerts",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="Your own alert rules: a file or a folder of them; may be given again.",
)
def command(
    data: Path,
    host: str,
    port: int,
    api_port: int | None,
    otlp_http_port: int,
    otlp_grpc_port: int,
    demo: bool,
    alerts: tuple[Path, ...],
) -> None:
    """Receive, store and show.

    When ready, prints one JSON line for each address on standard output: {"ready": NAME, "url": URL}.
    Ends with SIGTERM or ^C: first it stops receiving, then it stores what it has accepted.
    """
    beside = port and (port + 1) % 65536
    ports = ListenPorts(beside if api_port is None else api_port, otlp_http_port, otlp_grpc_port, port)
    serve(
        ServeOptions(
            data.absolute(), host, ports, active_config(), config_file(), demo, tuple(map(Path.absolute, alerts))
        )
    )
