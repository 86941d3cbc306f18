"""What all developer programs have in common: their text is their help, a mistake is one line and exit code 1."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from backgammon.cli.group import describe_os_error
from backgammon.tools.errors import PairgammonError
from comparison_net.tools import LearnerError

NO_PEERS = "a peer's package is missing; install it: pip install -e '.[peers]'"
_PEERS = ("gnubg", "gnubg_nn")


class Program(click.Command):
    """A command that ends with one line for what somebody gave it wrong."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run it; a defect of the program itself keeps its traceback."""
        try:
            return super().invoke(ctx)
        except (PairgammonError, LearnerError) as error:
            _end(ctx, str(error), 1)
        except OSError as error:
            _end(ctx, describe_os_error(error), 1)
        except ModuleNotFoundError as error:
            if error.name not in _PEERS:
                raise
            _end(ctx, NO_PEERS, 1)
        except KeyboardInterrupt:
            _end(ctx, "interrupted", 130)


def _end(ctx: click.Context, message: str, code: int) -> None:
    click.echo(f"error: {message}", err=True)
    ctx.exit(code)


def program(text: str | None) -> Callable[[Callable[..., Any]], Program]:
    """Make a function a program.

    Args:
        text: that of the module, as it stands.
    """
    paragraphs = (text or "").split("\n\n")
    shown = "\n\n".join("\b\n" + one for one in paragraphs)
    return click.command(cls=Program, help=shown, context_settings={"help_option_names": ["-h", "--help"]})


def note(text: str) -> None:
    """A line about the progress."""
    print(text, file=sys.stderr, flush=True)
