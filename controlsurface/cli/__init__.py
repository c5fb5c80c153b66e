"""The command: parse, call, print. Data goes to standard output, words to standard error."""

import os
import sys

import click

from controlsurface.cli import terminal_output
from controlsurface.cli.command_group import controlsurface
from controlsurface.errors import ControlSurfaceError

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
        terminal_output.print_text(problem.ctx.get_help(), err=True)
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
        terminal_output.print_text(f"controlsurface: error: {line}", err=True)
    return code


def _add_usage_hint(problem: click.ClickException) -> str:
    """The problem, and for wrong usage where help is."""
    context = getattr(problem, "ctx", None)
    hint = f"\nsee: {context.command_path} --help" if context else ""
    return problem.format_message() + hint
