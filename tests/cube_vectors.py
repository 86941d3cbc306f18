"""GNU Backgammon's answers to 1,490 states of the cube, in `vectors/cube.jsonl.xz`: ours, made with its 1.07."""

from __future__ import annotations

import json
import lzma
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from backgammon.cube.stakes import Stakes, stakes_of_xgid
from backgammon.evaluation.outcome import Outcomes, from_cumulative
from backgammon.notation import parse_xgid
from backgammon.rules.board import Board

VECTORS = Path(__file__).parent / "vectors" / "cube.jsonl.xz"
TWO_SIDED = 4
"""gnubg's class of two-sided bear-off positions."""


@lru_cache(maxsize=1)
def cube_vectors() -> list[dict[str, Any]]:
    with lzma.open(VECTORS, "rt") as lines:
        return [json.loads(line) for line in lines]


def vector_state(vector: dict[str, Any]) -> tuple[Board, Stakes]:
    xgid = parse_xgid(vector["xgid"])
    return xgid.position.board, stakes_of_xgid(xgid)


def vector_outcomes(vector: dict[str, Any], plies: int) -> Outcomes:
    """float32[1, 6] of the player on roll."""
    return from_cumulative(np.array(vector[f"ply{plies}"]["probs"])[None])
