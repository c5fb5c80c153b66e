"""The command: subcommands by name, imported when asked for. Data goes to standard output, words elsewhere."""

import os
import sys
from importlib import import_module
from pathlib import Path

import click

import controlsurface as package
from controlsurface.cli.terminal.terminal_text import print_note
from controlsurface.errors import ControlSurfaceError

_COMMANDS = {
    "serve": "Receive, store and show: everything in one command.",
    "demo": "Send the traffic of a simulated router.",
    "import": "Bring in files: OTLP bodies, the Collector's JSON lines, tables.",
    "query": "Any metric, broken down and filtered.",
    "gate": "Stop a deployment: an exit code by a metric, a bound and a window.",
    "advice": "What to do, by built-in rules, with the figures they rest on.",
    "whatif": "What another threshold would do: escalation, quality, cost, latency.",
    "export": "Figures as files: the weekly cost attribution.",
    "reconcile": "Bills of providers against our estimates: what differs, and why that is likely.",
    "rules": "Alert rules: check, test, replay over what is stored, describe.",
    "audit": "Compare lanes: sampled pairs of answers, and what people say of them.",
    "profile": "Before launch: which model answers which task well enough, and what a month would cost.",
    "task-profile": "What each task type is: answers, blast radius, lane, owner.",
    "policy": "Which thresholds were chosen, by whom and why.",
    "rederive": "Read stored spans again, by the vocabularies, lanes and task types of now.",
    "prices": "What calls are priced by, what has no price, and price stored calls anew.",
    "costs": "What a run, a session or a completed task costs, and own hardware.",
    "budgets": "What teams, tenants, jobs and kinds of work may cost: spent, pace and forecast.",
    "incident": "Time that people spend on the router: a timer, minutes told, or a file.",
    "rollup": "Sums and bins that make long windows quick: make them anew.",
    "retention": "How long things are kept, and what would go: apply it now.",
    "silence": "Hold alerts back for a time.",
    "backup": "Copy all that is stored to a folder or bucket, while it is served.",
    "restore": "Bring a backup back into an empty directory.",
    "verify": "Prove that backups can be brought back.",
    "doctor": "Is everything as it should be? Ports, disk, clocks, vocabularies, prices, sources.",
    "bench": "Measure this machine.",
}
_FOLDERS = {
    "reconcile": "export.",
    "budgets": "costs_command.",
    "incident": "costs_command.",
    "gate": "gate_command.",
    "task-profile": "profile_command.",
    "backup": "backup_command.",
    "restore": "backup_command.",
    "verify": "backup_command.",
}  # of commands whose modules do not lie beside this one
_EPILOG = """\b
Exit codes:
  0 done               1 internal error     2 wrong usage or configuration
  3 store unavailable  4 not found          5 malformed or too large input
  6 busy or disk full  7 port in use        8 a part of the server failed
  9 server unreachable 10 not allowed           11 changed meanwhile
  12 tests of rules failed                      13 a gate is broken
  14 a gate has too few rows
  130 interrupted      141 the reader of the output went away

\b
Environment:
  CONTROLSURFACE_CONFIG  --config      CONTROLSURFACE_DATA  --data
  CONTROLSURFACE_TOKEN   the token of a server that asks for one
"""


class LazyGroup(click.Group):
    """A group whose commands live in modules of their names."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order a newcomer meets them."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f"controlsurface.cli.{_FOLDERS.get(cmd_name, '')}{cmd_name.replace('-', '_')}_command")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(
    cls=LazyGroup, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package.__version__, prog_name="controlsurface", message="%(prog)s %(version)s")
@click.option(
    "--config",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="CONTROLSURFACE_CONFIG",
    help="Configuration, TOML.  [default: controlsurface.toml here, if there is one]",
)
@click.pass_context
def controlsurface(context: click.Context, file: Path | None) -> None:
    """The instrument panel and ledger of a router-first LLM system."""
    context.obj = file or _config_in_working_folder()


def _config_in_working_folder() -> Path | None:
    """The configuration of the folder one stands in."""
    path = Path("controlsurface.toml")
    return path.resolve() if path.is_file() else None


EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells expect
EXIT_BROKEN_PIPE = 141  # 128 + SIGPIPE


def main(arguments: list[str] | None = None) -> None:
    """Run one command and end the process with its exit code."""
    sys.exit(run_command(arguments))


def run_command(arguments: list[str] | None = None) -> int:
    """Run one command; its exit code."""
    try:
        code = controlsurface.main(arguments, prog_name="controlsurface", standalone_mode=False)
        sys.stdout.flush()
    except ControlSurfaceError as problem:
        return _report_error(str(problem), problem.exit_code)
    except click.exceptions.NoArgsIsHelpError as problem:
        print_note(problem.ctx.get_help())
        return problem.exit_code
    except click.ClickException as problem:
        return _report_error(_add_usage_hint(problem), problem.exit_code)
    except (KeyboardInterrupt, click.Abort):
        return _report_error("interrupted", EXIT_INTERRUPTED)
    except (BrokenPipeError, SystemExit):  # click's way of saying the same
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes it at exit
        return EXIT_BROKEN_PIPE
    return code if isinstance(code, int) else 0


def _report_error(text: str, code: int) -> int:
    """Print a problem, one line each, and give its exit code back."""
    for line in text.splitlines():
        print_note(f"controlsurface: error: {line}")
    return code


def _add_usage_hint(problem: click.ClickException) -> str:
    """The problem, and for wrong usage where help is."""
    context = getattr(problem, "ctx", None)
    hint = f"\nsee: {context.command_path} --help" if context else ""
    return problem.format_message() + hint
