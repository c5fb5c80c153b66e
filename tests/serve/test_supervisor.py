"""Parts are started, restarted and stopped by rule; the parts here are small programs that behave as told."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from controlsurface.config import Config
from controlsurface.errors import PartFailed
from controlsurface.serve import supervisor
from controlsurface.serve.child_process import ProcessSpec, start_process
from controlsurface.serve.serve_options import ListenPorts, ServeOptions
from controlsurface.serve.supervisor import Supervisor, restart_delay_s
from tests.launch import is_alive, until

READY = """print('{"ready": "api", "url": "http://x"}', flush=True)\n"""


@pytest.fixture
def keeper(tmp_path: Path) -> Supervisor:
    return Supervisor(ServeOptions(tmp_path, "127.0.0.1", ListenPorts(1, 2, 3, 4), Config()))


def program(text: str, name: str = "collector", *, once: bool = False) -> ProcessSpec:
    return ProcessSpec(name, (sys.executable, "-c", text), announces=("api",), once=once)


def test_the_wait_before_a_restart_doubles_up_to_a_bound() -> None:
    assert [restart_delay_s(n) for n in (1, 2, 3, 4)] == [0.25, 0.5, 1, 2]
    assert restart_delay_s(50) == 30


def test_a_part_that_ran_is_started_again_after_a_crash(keeper: Supervisor, tmp_path: Path) -> None:
    log = tmp_path / "starts"
    text = f"open({str(log)!r}, 'a').write('x')\n{READY}raise SystemExit(1)"

    async def main() -> None:
        kept = asyncio.create_task(keeper._keep(program(text)))
        await asyncio.to_thread(until, lambda: log.exists() and len(log.read_text()) >= 3)
        keeper._stop()
        await kept

    asyncio.run(main())
    assert keeper._failure is None


def test_a_part_that_never_gets_ready_is_given_up(keeper: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "FIRST_DELAY_S", 0.01)
    asyncio.run(keeper._keep(program("raise SystemExit(1)")))
    assert isinstance(keeper._failure, PartFailed)
    assert keeper._failure.exit_code == PartFailed.exit_code


def test_a_hopeless_start_is_tried_once_and_its_exit_code_kept(keeper: Supervisor) -> None:
    asyncio.run(keeper._keep(program("raise SystemExit(3)")))
    assert keeper._failure is not None
    assert keeper._failure.exit_code == 3


def test_a_demo_that_cannot_start_stops_nothing(keeper: Supervisor, capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(keeper._keep(program("raise SystemExit(2)", "demo")))
    assert not keeper._stopping.is_set()
    assert "the demo cannot start" in capsys.readouterr().err


def test_a_part_that_ends_by_itself_is_not_started_again(keeper: Supervisor) -> None:
    asyncio.run(keeper._keep(program("", once=True)))
    assert keeper._failure is None


def test_a_part_that_does_not_end_when_told_is_ended(keeper: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "COLLECTOR_STOP_S", 0.2)
    deaf = f"import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{READY}time.sleep(600)"

    async def main() -> None:
        kept = asyncio.create_task(keeper._keep(program(deaf)))
        await keeper._api_up.wait()
        keeper._stop()
        await keeper._wind_down()
        await asyncio.wait_for(kept, 60)

    asyncio.run(main())
    assert keeper._failure is None


def test_ready_lines_keep_one_order(keeper: Supervisor, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("dashboard", "otlp_grpc", "api", "otlp_http", "api"):
        keeper._announce(name, f"http://{name}")
    names = [line.split('"')[3] for line in capsys.readouterr().out.splitlines()]
    assert names == ["api", "otlp_http", "otlp_grpc", "dashboard"]


def test_output_of_a_part_reaches_standard_error_with_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    async def main() -> None:
        text = "import sys; print('on stdout'); sys.stderr.write('no newline')"
        child = await start_process(program(text))
        await child.ended(lambda name, url: None)

    asyncio.run(main())
    said = capsys.readouterr()
    assert sorted(said.err.splitlines()) == ["collector: no newline", "collector: on stdout"]
    assert said.out == ""


def test_an_output_line_without_end_does_not_stop_the_supervisor(capsys: pytest.CaptureFixture[str]) -> None:
    async def main() -> list[str]:
        heard: list[str] = []
        child = await start_process(program(f"print('x' * 3_000_000)\n{READY}"))
        await child.ended(lambda name, url: heard.append(name))
        return heard

    assert asyncio.run(main()) == ["api"]
    assert capsys.readouterr().err.count("x") == 3_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a child to its parent")
def test_a_child_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    child = f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    parent = f"""
import asyncio, sys
from controlsurface.serve.child_process import ProcessSpec, start_process
async def main():
    await (await start_process(ProcessSpec("x", (sys.executable, "-c", {child!r})))).process.wait()
asyncio.run(main())
"""
    process = subprocess.Popen([sys.executable, "-c", parent])
    pid = int(until(lambda: process.poll() is not None or (pid_file.exists() and pid_file.read_text())))
    assert process.poll() is None, "the parent ended by itself"
    process.send_signal(signal.SIGKILL)
    process.wait()
    until(lambda: not is_alive(pid))
