"""A conversation on a terminal, or through a pipe: coloured text out, lines in."""

from __future__ import annotations

import sys
from typing import Literal

import click

from backgammon.tools.quoting import printable

Tone = Literal["plain", "strong", "you", "model", "problem", "faint"]

_STYLES: dict[Tone, dict[str, bool | str]] = {
    "plain": {},
    "strong": {"bold": True},
    "you": {"fg": "yellow", "bold": True},
    "model": {"fg": "cyan", "bold": True},
    "problem": {"fg": "red"},
    "faint": {"dim": True},
}


class EndOfInput(Exception):
    """There is nothing more to read."""


class Terminal:
    """Says and asks; colours only where they are wanted."""

    def __init__(self, colour: bool) -> None:
        """A terminal; `colour` allows ANSI colours."""
        self.colour = colour
        self._is_person = sys.stdin.isatty()
        self._has_editor = self._is_person and _start_editor()

    def say(self, text: str = "", tone: Tone = "plain") -> None:
        """Print a line or several."""
        click.echo(self.paint(printable(text, self.colour), tone), color=self.colour)

    def paint(self, text: str, tone: Tone) -> str:
        """`text` in the colour of its tone."""
        style = _STYLES[tone]
        return click.style(text, **style) if self.colour and text and style else text  # type: ignore[arg-type]

    def _decorate(self, prompt: str) -> str:
        """The prompt in colour, where the line editor can be told that colour codes take no room."""
        if not (self.colour and self._has_editor):
            return prompt
        return f"\001\x1b[1;33m\002{prompt}\001\x1b[0m\002"

    def ask(self, prompt: str) -> str:
        """A line of input without blanks around it; lines that come through a pipe are shown, for the transcript.

        Raises:
            EndOfInput: there is none.
        """
        try:
            line = input(self._decorate(f"{printable(prompt)}>") + " ")
        except EOFError:
            self.say()
            raise EndOfInput from None
        except UnicodeDecodeError:
            line = "?"  # no command: answered like any other text that is not understood
        if not self._is_person:
            self.say(line)
        return line.strip()


def _start_editor() -> bool:
    """Give input() line editing and history; False on platforms without readline."""
    try:
        import readline  # noqa: F401 - importing it is all it takes
    except ImportError:
        return False
    return True
