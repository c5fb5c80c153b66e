"""`python -m controlsurface.collector`: one collector, as `serve` starts it."""

import argparse
import gc
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread
from typing import NoReturn

import pyarrow as pa

from controlsurface.api.app import create_app
from controlsurface.collector.alert_services import delivery_service, rule_service
from controlsurface.collector.demo_config import demo_config
from controlsurface.collector.discovery import publish_addresses
from controlsurface.collector.export_service import export_service
from controlsurface.collector.ingest_engine import IngestEngine, running_engine
from controlsurface.collector.unix_signals import UnixSignals
from controlsurface.config import Config, load_config
from controlsurface.config.rule_folders import make_rules_folder, with_rule_folders
from controlsurface.errors import ControlSurfaceError
from controlsurface.ingest.receivers.otlp_grpc import GrpcReceiver
from controlsurface.ingest.receivers.otlp_http import HttpReceiver
from controlsurface.store import file_permissions
from controlsurface.web import connections
from controlsurface.web.listener import GRACE_S, Listener, hold_ports, url
from controlsurface.web.refusal_counter import RefusalCounter

QUERY_GRACE_S = 3.0  # for queries under way when told to end

_log = logging.getLogger("collector")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; the exit code."""
    os.umask(file_permissions.OTHERS_MODE_BITS)  # whatever is written here is for the server's user alone
    sys.setswitchinterval(0.0005)  # a decoding thread must not keep the sockets waiting for 5 ms at each turn
    gc.freeze()  # what is loaded by now stays
    gc.set_threshold(200_000, 20, 100)  # a slice of bodies is 50,000 short-lived objects without cycles
    pa.set_memory_pool(pa.system_memory_pool())  # gives back what a batch needed; the default pool keeps it
    flags = _flags().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # it tells of every start and stop
    told = UnixSignals(signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    try:
        config = load_config(flags.config)
        _run(flags, demo_config(config) if flags.demo else config, told)
    except ControlSurfaceError as problem:
        for line in str(problem).splitlines():
            _log.error(line)  # the user's problem: no traceback
        return problem.exit_code
    finally:
        gc.unfreeze()  # what is frozen at the end is a leak to DuckDB's bindings, which tell of each in 48 lines
    return 0


def _run(flags: argparse.Namespace, config: Config, told: UnixSignals) -> None:
    """Own the data directory, listen, announce, wait to be told to end, end in order."""
    ports = {"api": flags.api_port, "otlp_http": flags.otlp_http_port, "otlp_grpc": flags.otlp_grpc_port}
    with ExitStack() as held:  # whether all ports can be had, before anything starts
        hold_ports(held, flags.host, ports)
    config = with_rule_folders(config, flags.alerts, flags.data)
    with running_engine(flags.data, config, flags.config, apart=True) as engine, delivery_service(engine):
        make_rules_folder(flags.data)
        with (
            rule_service(engine) as rules,
            export_service(engine),
            _serving(flags, config, engine) as addresses,
            publish_addresses(flags.data, addresses),
        ):
            for name, address in addresses.items():
                print(json.dumps({"ready": name, "url": address}), flush=True)  # noqa: T201 - standard output is data
            Thread(target=_interrupt, args=(engine, told), name="interrupt", daemon=True).start()
            while told.next() == signal.SIGHUP:
                rules.reload()
            _log.info("stopping: no new bodies are taken")
        if problems := engine.problems():
            _log.error("; ".join(problems))


def _interrupt(engine: IngestEngine, told: UnixSignals) -> None:
    """Once told to end, stop queries that take long, so that no reader holds up what must be stored."""
    told.ending.wait()
    while True:
        time.sleep(QUERY_GRACE_S / 2)
        if stopped := engine.store.interrupt(QUERY_GRACE_S):
            _log.warning("%d queries were stopped: the server ends", stopped)


@contextmanager
def _serving(flags: argparse.Namespace, config: Config, engine: IngestEngine) -> Iterator[Mapping[str, str]]:
    """All three listeners; the addresses by name. The API answers until the receivers have stopped."""
    most = connections.divide_descriptors(connections.raise_descriptor_limit())
    with ExitStack() as ends:
        refusals = RefusalCounter("api")
        app = create_app(engine.reader(), config, flags.host, refusals)
        limits = connections.HttpConnectionLimits.of(config.server, most.api)
        api = Listener("api", app, flags.host, flags.api_port, connections.limited_protocol(limits, refusals))
        ends.callback(api.stop)
        api.start()
        addresses = {"api": api.url}
        for name, kind, port in (
            ("otlp_http", HttpReceiver, flags.otlp_http_port),
            ("otlp_grpc", GrpcReceiver, flags.otlp_grpc_port),
        ):
            receiver = kind(engine.intake, config, flags.host, port, refusals.beside(name), getattr(most, name))
            addresses[name] = url(flags.host, receiver.start())
            ends.callback(receiver.stop, GRACE_S)
        yield addresses


def _flags() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m controlsurface.collector", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="data directory")
    parser.add_argument("--config", type=Path, help="configuration, TOML")
    parser.add_argument("--alerts", type=Path, action="append", default=[], help="file or folder of rules")
    parser.add_argument("--demo", action="store_true", help="keep simulated prompts, and log alerts")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    for flag in ("--api-port", "--otlp-http-port", "--otlp-grpc-port"):
        parser.add_argument(flag, type=int, default=0, help="0: any that is free")
    return parser


def exit_now(code: int) -> NoReturn:
    """End at once: all is stored, and no thread that still works for nobody is waited for."""
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    exit_now(main())
