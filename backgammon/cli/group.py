"""A Click group that imports a command when it is used, and turns a user's mistake into one line and an exit code.

    0    done
    1    the input cannot be used (PairgammonError, LearnerError, unreadable file), or a library of an extra is not
         installed: one line on stderr
    2    the command line cannot be parsed (Click)
    130  interrupted with Ctrl-C
    141  the reader of our output went away (as if by SIGPIPE), nothing is printed

A defect of the program itself is none of these and shows its traceback. A warning of our own is one line on stderr.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click
from click.core import ParameterSource

from backgammon.cli.screen import say
from backgammon.evaluation.strengths import MAX_PLIES
from backgammon.tools.quoting import printable

_BARE_XGID = re.compile(r"-[-A-Pa-p]{25}:")

EXIT_MISTAKE = 1
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141

EXTRAS = {"torch": "train", "onnx": "onnx", "onnxruntime": "onnx", "pettingzoo": "rl", "gnubg": "peers"}
"""The extra of this package that brings a library which only some commands need."""


class ExampleCommand(click.Command):
    """A command whose help ends in examples."""

    def __init__(self, *args: Any, examples: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        """A command.

        Args:
            *args: as for click.Command.
            examples: (command line, what it does).
            **kwargs: as for click.Command.
        """
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As Click does, but a bare XGID, which begins like an option, is no option, and no value goes unused.

        Raises:
            click.UsageError: an option that takes one value is given twice.
        """
        args = [f"XGID={text}" if _BARE_XGID.match(text) else text for text in args]
        _, _, order = self.make_parser(ctx).parse_args(args=list(args))
        single = [one for one in order if isinstance(one, click.Option) and not one.multiple and not one.count]
        if twice := next((one for place, one in enumerate(single) if one in single[:place]), None):
            raise click.UsageError(f"{twice.opts[0]} is given twice: give it once", ctx)
        return super().parse_args(ctx, args)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, each command line unbroken so that it can be copied."""
        super().format_epilog(ctx, formatter)
        with formatter.section("Examples"):
            for line, meaning in self.examples:
                formatter.write_text(f"# {meaning}")
                formatter.write(f"{'':{formatter.current_indent}}{line}\n")


def model_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """The option --model, the same in every command that takes it."""
    return click.option(
        "--model",
        metavar="RUN_OR_FILE",
        help="A folder made by `train`, or a checkpoint; without it, the model that ships with the package.",
    )(function)


def is_given(ctx: click.Context, name: str) -> bool:
    """True when the user wrote a parameter, be it with its default value."""
    return ctx.get_parameter_source(name) is not ParameterSource.DEFAULT


def host_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """The option --host of the servers, the same in each of them."""
    return click.option(
        "--host",
        default="127.0.0.1",
        show_default=True,
        help="Address to listen on; the default lets nobody in from outside.",
    )(function)


def workers_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """The option --workers of what is done in units, the same wherever they are."""
    return click.option(
        "--workers",
        metavar="NAME",
        help="Who does the work: local:N for N processes of this machine; dask, dask://HOST:PORT or ray://HOST:PORT "
        "for a cluster (docs/cluster.md).  [default: one process for each processor]",
    )(function)


PLIES_HELP = "Look-ahead as GNU Backgammon counts it: 0 is the model alone (others call that 1-ply)."


def plies_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """The option --ply of the commands that may look ahead, the same in each of them."""
    return click.option(
        "--ply",
        "plies",
        type=click.IntRange(0, MAX_PLIES),
        default=0,
        show_default=True,
        help=PLIES_HELP,
    )(function)


class LazyGroup(click.Group):
    """A group whose commands are named by their modules."""

    def __init__(self, *args: Any, modules: Mapping[str, str], **kwargs: Any) -> None:
        """A group of commands.

        Args:
            *args: as for click.Group.
            modules: importable module by command name; the module's `command` is the Click command.
            **kwargs: as for click.Group.
        """
        super().__init__(*args, **kwargs)
        self._modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - Click's signature
        """The commands in the order they were given, which is the order in which a newcomer needs them."""
        return list(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - Click's signature
        """The command, imported now; None when there is none of that name."""
        if cmd_name not in self._modules:
            return None
        command = importlib.import_module(self._modules[cmd_name]).command
        assert isinstance(command, click.Command)
        return command

    def main(self, *args: Any, **extra: Any) -> Any:
        """As Click does, with all three standard streams: those that were closed read and write nothing."""
        open_closed_streams()
        return super().main(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; see the module's text for what becomes of errors."""
        show_others = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *place: Any, **options: Any) -> None:
            if category.__name__ == "PairgammonWarning":
                say(f"warning: {message}", err=True)
            else:
                show_others(message, category, *place, **options)

        warnings.showwarning = show
        try:
            return self._run(ctx)
        finally:
            warnings.showwarning = show_others

    def _run(self, ctx: click.Context) -> Any:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()  # a reader that has gone away shows here, where it can be handled
            return result
        except KeyboardInterrupt:
            say("\ninterrupted" if sys.stderr.isatty() else "interrupted", err=True)  # after the terminal's ^C
            ctx.exit(EXIT_INTERRUPTED)
        except BrokenPipeError:
            _discard_output()
            ctx.exit(EXIT_BROKEN_PIPE)
        except click.ClickException as error:  # its message may repeat an argument
            error.message = printable(error.message)  # type: ignore[misc]
            raise
        except EOFError as error:  # no command ends with one; left alone, Click would take it for Ctrl-D
            raise RuntimeError("a file ended too early, and nobody noticed") from error
        except ModuleNotFoundError as error:
            library = (error.name or "").partition(".")[0]
            if library not in EXTRAS:
                raise
            _print_error(f"this needs {library}, which is not installed: pip install 'pairgammon[{EXTRAS[library]}]'")
            ctx.exit(EXIT_MISTAKE)
        except OSError as error:
            _print_error(describe_os_error(error))
            _flush_or_discard()
            ctx.exit(EXIT_MISTAKE)
        except Exception as error:
            if not _is_mistake(error):
                raise
            _print_error(str(error))
            ctx.exit(EXIT_MISTAKE)


def open_closed_streams() -> None:
    """Put the null device in the place of standard streams that the caller has closed (`>&-`).

    Without it the first file that is opened gets the number of the closed one, and what is said goes into that file.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            handle = os.open(os.devnull, os.O_RDWR)
            if handle != number:
                os.dup2(handle, number)
                os.close(handle)
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w", encoding="utf-8"))


def describe_os_error(error: OSError) -> str:
    """`file: reason` as the operating system gives it."""
    reason = error.strerror or str(error)
    return f"{os.fsdecode(error.filename)}: {reason}" if isinstance(error.filename, (str, bytes)) else reason


def _is_mistake(error: Exception) -> bool:
    """True for errors caused by input, the engine's or the learner's; a module that nobody loaded raised none."""
    errors, tools = sys.modules.get("backgammon.tools.errors"), sys.modules.get("comparison_net.tools")
    if errors is not None and isinstance(error, errors.PairgammonError):
        return True
    return tools is not None and isinstance(error, tools.LearnerError)


def _print_error(message: str) -> None:
    say("error: " + " ".join(message.split()), err=True)


def _flush_or_discard() -> None:
    """Write what was said before the error; on a full disk drop it, or Python would try, and complain, at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        _discard_output()


def _discard_output() -> None:
    """Point stdout at nothing, or Python would complain about the closed pipe when it flushes at exit."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # not a real file, as under a test runner: nothing to flush either
        return
