"""Modules and styles that the report of a match and the board in the browser share: a page is made of nothing else."""

from __future__ import annotations

from pathlib import Path

SHARED_FOLDER = Path(__file__).with_name("static")
"""board.js draws a board; theme.css gives it and the pages their colours."""
