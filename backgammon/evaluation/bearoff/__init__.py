"""Exact endings: tables of the bear-off, computed here, found on disk the next time.

`find_or_build` gives a `Bearoff` with look-ups for boards; kernels take `Bearoff.tables` and call `fill_outcome` and
`two_sided_equity` of `database`. What is exact and what is not: see `database`.
"""

from __future__ import annotations

from backgammon.evaluation.bearoff.database import Bearoff, Tables
from backgammon.evaluation.bearoff.index import ONE_SIDED, TWO_SIDED, UNCOVERED
from backgammon.evaluation.bearoff.store import (
    bearoff_directory,
    build,
    examine_tables,
    find_or_build,
    open_tables,
    table_paths,
)
from backgammon.evaluation.bearoff.table_file import BearoffSize

__all__ = [
    "ONE_SIDED",
    "TWO_SIDED",
    "UNCOVERED",
    "Bearoff",
    "BearoffSize",
    "Tables",
    "bearoff_directory",
    "build",
    "examine_tables",
    "find_or_build",
    "open_tables",
    "table_paths",
]
