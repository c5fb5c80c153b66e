"""The commands by name; each is imported only when it is asked for, so that `--help` and `--version` are quick."""

from importlib import import_module
from pathlib import Path

import click

import controlsurface as package

_COMMANDS = {
    "serve": "Receive, store and show: everything in one command.",
    "demo": "Send the traffic of a simulated router.",
    "import": "Bring in files: OTLP bodies, the Collector's JSON lines, tables.",
    "query": "Any metric, broken down and filtered.",
    "advice": "What to do, by built-in rules, with the figures they rest on.",
    "whatif": "What another threshold would do: escalation, quality, cost, latency.",
    "export": "Figures as files: the weekly cost attribution.",
    "rules": "Alert rules: check, test, replay over what is stored, describe.",
    "audit": "Compare lanes: sampled pairs of answers, and what people say of them.",
    "policy": "Which thresholds were chosen, by whom and why.",
    "rederive": "Read stored spans again, by the vocabularies, lanes and task types of now.",
    "rollup": "Sums and bins that make long windows quick: make them anew.",
    "retention": "How long things are kept, and what would go: apply it now.",
    "silence": "Hold alerts back for a time.",
    "doctor": "Is everything as it should be? Ports, disk, clocks, vocabularies, prices, sources.",
    "bench": "Measure this machine.",
}
_EPILOG = """\b
Exit codes:
  0 done               1 internal error     2 wrong usage or configuration
  3 store unavailable  4 not found          5 malformed or too large input
  6 busy or disk full  7 port in use        8 a part of the server failed
  9 server unreachable 10 not allowed           11 changed meanwhile
  12 tests of rules failed
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
        module = import_module(f"controlsurface.cli.{cmd_name}_command")
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
