"""What commands say and draw: the one way out to a terminal, progress on stderr, tables on stdout."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from backgammon.tools.quoting import printable

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn


def say(text: str = "", *, err: bool = False, nl: bool = True) -> None:
    """Print a text: the one way of the commands to a terminal, on which no foreign text is obeyed.

    Args:
        text: lines.
        err: on stderr instead of stdout.
        nl: end it with a line feed.
    """
    click.echo(printable(text, colour=is_colour_wanted()), err=err, nl=nl)


@contextmanager
def show_progress(title: str, total: float) -> Iterator[Callable[[float], None]]:
    """A bar on stderr while that is a terminal, silence otherwise; yields a function of the value reached so far."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.progress import MofNCompleteColumn

    with _make_progress(MofNCompleteColumn()) as progress:
        task = progress.add_task(printable(title), total=total)
        yield lambda value: progress.update(task, completed=value)


@contextmanager
def show_units(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """As `show_progress`; yields a function of the size of each unit that is done."""
    done = 0

    def add(size: int) -> None:
        nonlocal done
        done += size
        advance(done)

    with show_progress(title, total) as advance:
        yield add


@contextmanager
def show_byte_progress(title: str) -> Iterator[Callable[[int, int], None] | None]:
    """As `show_progress`; yields a function of (bytes done, bytes in all), or None where nothing is shown."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import DownloadColumn

    with _make_progress(DownloadColumn()) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _make_progress(counter: ProgressColumn) -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), counter, TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def is_colour_wanted() -> bool:
    """True when stdout is a terminal that shows colours; NO_COLOR turns them off, FORCE_COLOR on (no-color.org)."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def announce_compilation() -> None:
    """Say on stderr why the first start takes long, when it is one."""
    from backgammon.learner.net.walk import decide
    from backgammon.tools.jit import is_kept

    if not is_kept(decide):
        say("compiling the kernels, this once (10 to 20 s) ...", err=True)
