"""Modules and styles that the report of a match and the board in the browser share: a page is made of nothing else.

    board.js      draws a board and tells what was pointed at
    elements.js   small helpers
    review.js     a judged match, roll by roll, from the document that `document.as_document` gives
    theme.css     colours and boards;  review.css: the rest

The browser loads them as modules. A report is one file, so there they are joined: lines that import from or export to
one another are undone, which is why every import stands on one line and no two modules share a name.
"""

from __future__ import annotations

import re
from pathlib import Path

SHARED_FOLDER = Path(__file__).with_name("static")

_IMPORT = re.compile(r"^import .*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=class|function|async function|const)", re.MULTILINE)


def joined_script() -> str:
    """The modules of a report as one script."""
    names = ("elements.js", "board.js", "review.js")
    texts = [(SHARED_FOLDER / name).read_text(encoding="utf-8") for name in names]
    return _EXPORT.sub("", _IMPORT.sub("", "\n".join(texts)))


def joined_style() -> str:
    """The styles of a report."""
    return "\n".join((SHARED_FOLDER / name).read_text(encoding="utf-8") for name in ("theme.css", "review.css"))
