"""Foreign text on its way to a terminal, a page or a file name: names of players, files, members, notes, messages.

A terminal obeys control characters, a page shows marks of writing direction by turning what stands around them, and a
file name with either misleads whoever lists it. Nothing is thrown away without a trace: each such character becomes
the escape by which Python writes it.
"""

from __future__ import annotations

import html
import re

LONGEST = 60

_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and line feed, delete, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks, embeddings, overrides and isolates of direction
    "\u2028\u2029\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"  # line ends, invisible tags, half characters
)
_COLOUR = re.compile("\x1b\\[(?:[0-2]|1;3[36]|3[0-7])m")
"""The codes that our own boards and words are painted with: no cursor, no title, nothing that hides."""

_NOT_IN_NAMES = re.compile(r'[\s/\\:*?"<>|]+')
_LONGEST_NAME = 100


def quote(text: str) -> str:
    r"""`text` in quotes on one line, control characters escaped, cut after 60 characters.

    >>> print(quote("13/7" + chr(10)))
    '13/7\n'
    """
    return repr(text) if len(text) <= LONGEST else f"{text[:LONGEST]!r}..."


def printable(text: str, colour: bool = False) -> str:
    r"""`text` with every character escaped that a terminal would obey or that hides others; lines and tabs stay.

    Args:
        text: of whatever origin.
        colour: leave the codes of our own colours.

    >>> print(printable("Ann" + chr(27) + "[2J"))
    Ann\x1b[2J
    """
    if not colour or "\x1b" not in text:
        return _UNSAFE.sub(_escape, text)
    pieces = []
    end = 0
    for found in _COLOUR.finditer(text):
        pieces += [_UNSAFE.sub(_escape, text[end : found.start()]), found[0]]
        end = found.end()
    return "".join([*pieces, _UNSAFE.sub(_escape, text[end:])])


def one_line(text: str) -> str:
    """`text` printable and on one line: a name that holds line ends must not pretend to be several lines."""
    return printable(" ".join(text.split()) if "\n" in text or "\r" in text or "\t" in text else text)


def page_text(text: str) -> str:
    """`text` as it may stand in HTML, between tags or in an attribute."""
    return html.escape(printable(text))


def json_text(text: str) -> str:
    """JSON with its unsafe characters written as escapes; whoever reads it gets the very same values."""
    return _UNSAFE.sub(_escape_json, text)


def file_stem(text: str) -> str:
    """A name for a file after a foreign one: one visible part of a path, with nothing that a shell obeys."""
    name = _NOT_IN_NAMES.sub("_", _UNSAFE.sub("_", text)).lstrip(".-")[:_LONGEST_NAME]
    return name or "unnamed"


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _escape_json(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x10000:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
