"""The command: parse, call, print. Data goes to standard output, words to standard error."""

import os
import sys

import click

from controlsurface.cli import output
from controlsurface.cli.group import controlsurface
from controlsurface.errors import ControlSurfaceError

INTERRUPTED = 130  # 128 + SIGINT, as shells expect
BROKEN_PIPE = 141  # 128 + SIGPIPE


def main(arguments: list[str] | None = None) -> None:
    """Run one command and end the process with its exit code."""
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run one command; its exit code."""
    try:
        code = controlsurface.main(arguments, prog_name="controlsurface", standalone_mode=False)
        sys.stdout.flush()
    except ControlSurfaceError as problem:
        return _said(str(problem), problem.exit_code)
    except click.exceptions.NoArgsIsHelpError as problem:
        output.say(problem.ctx.get_help(), err=True)
        return problem.exit_code
    except click.ClickException as problem:
        return _said(_with_hint(problem), problem.exit_code)
    except (KeyboardInterrupt, click.Abort):
        return _said("interrupted", INTERRUPTED)
    except (BrokenPipeError, SystemExit):  # click's way of saying the same
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes it at exit
        return BROKEN_PIPE
    return code if isinstance(code, int) else 0


def _said(text: str, code: int) -> int:
    """Print a problem, one line each, and give its exit code back."""
    for line in text.splitlines():
        output.say(f"controlsurface: error: {line}", err=True)
    return code


def _with_hint(problem: click.ClickException) -> str:
    """The problem, and for wrong usage where help is."""
    context = getattr(problem, "ctx", None)
    hint = f"\nsee: {context.command_path} --help" if context else ""
    return problem.format_message() + hint
