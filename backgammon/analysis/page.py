"""The report as one HTML file: the document of each match and the same modules that draw a review in the browser.

Nothing is loaded from elsewhere, and the file says so (its content security policy forbids it).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from backgammon.analysis.document import as_document
from backgammon.analysis.page_parts import joined_script, joined_style
from backgammon.analysis.report import Report
from backgammon.notation.svg import board_geometry
from backgammon.tools.quoting import page_text

SHOWN_CANDIDATES = 8
"""Of a roll, besides the play that was made."""

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"

_START = """
const { geometry, matches } = JSON.parse(document.getElementById("data").textContent);
for (const match of matches) {
  const host = document.createElement("section");
  document.querySelector("main").append(host);
  const review = new ReviewView(host, geometry, match);
  if (matches.length === 1) document.addEventListener("keydown", (event) => review.key(event));
  else host.addEventListener("keydown", (event) => review.key(event));
}
"""


def render_page(reports: Sequence[Report]) -> str:
    """The page of one or more matches."""
    return render_documents([as_document(report, SHOWN_CANDIDATES) for report in reports])


def render_documents(documents: Sequence[dict[str, Any]]) -> str:
    """The page of one or more documents of matches, see `document.as_document`."""
    title = documents[0]["title"] if len(documents) == 1 else f"{len(documents)} matches"
    data = {"geometry": board_geometry(), "matches": documents}
    # "<" could end the element that holds the data; JSON has another way to write it
    text = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>{page_text(title)}</title><style>{joined_style()}</style></head><body><main></main>"
        '<div id="live" class="visually-hidden" role="status" aria-live="polite"></div>'
        "<noscript>The boards of this report are drawn by a script inside it.</noscript>"
        f'<script type="application/json" id="data">{text}</script>'
        f'<script type="module">{joined_script()}{_START}</script></body></html>\n'
    )
