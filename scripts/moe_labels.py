"""Labelled decisions as arrays: what a choice costs, for the experiment on mixtures of experts.

D decisions, M candidates of all of them.
"""

from __future__ import annotations

import json
import lzma
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backgammon.notation import parse_position_ids, position_ids
from backgammon.rules.board import swap
from backgammon.rules.movegen import legal_candidates
from backgammon.rules.phase import phase_codes
from backgammon.tools.arrays import Boards, Bools, Dice, Float64s, Int8s, Int64s, Offsets
from comparison_net.choices import ChoiceSets


@dataclass(frozen=True, eq=False)
class LabelledDecisions:
    """Decisions with the cost of every candidate.

    Attributes:
        boards: int8[D, 26], player on roll.
        dice: int8[D, 2].
        candidates: int8[M, 26], player who has just moved.
        offsets: int64[D + 1].
        costs: float64[M], millipoints lost against the best candidate.
        best: int64[D], row of the best candidate.
        phases: int8[D], of the position before the play.
        source: int64[D], number of the file.
    """

    boards: Boards
    dice: Dice
    candidates: Boards
    offsets: Offsets
    costs: Float64s
    best: Int64s
    phases: Int8s
    source: Int64s

    def __len__(self) -> int:
        """D."""
        return len(self.boards)

    def batch(self, start: int, stop: int) -> ChoiceSets:
        """Decisions start..stop with all their candidates; "chosen" is the best."""
        stop = min(stop, len(self))
        first, last = self.offsets[start], self.offsets[stop]
        offsets = self.offsets[start : stop + 1] - first
        return ChoiceSets(self.candidates[first:last], offsets, self.best[start:stop], self.boards[start:stop])

    def judge(self, picks: Int64s) -> tuple[Float64s, Bools]:
        """(millipoints lost float64[D], agreed with the best bool[D]) for picked rows int64[D]."""
        return self.costs[self.offsets[:-1] + picks], picks == self.best


def read_labelled(paths: list[Path]) -> LabelledDecisions:
    """Every labelled decision of the files, costs by the rule of `score_labels`."""
    decisions = [
        (number, json.loads(line))
        for number, path in enumerate(paths)
        for line in (lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()).splitlines()
    ]
    boards = parse_position_ids([decision["id"] for _, decision in decisions])
    dice = np.array([decision["dice"] for _, decision in decisions], dtype=np.int8)
    candidates, offsets = legal_candidates(boards, dice)
    ids = position_ids(swap(candidates))
    costs = np.empty(len(candidates))
    best = np.empty(len(decisions), dtype=np.int64)
    for i, (_, decision) in enumerate(decisions):
        equities = {entry[0]: entry[1] if isinstance(entry[1], float) else entry[2] for entry in decision["cands"]}
        names = ids[offsets[i] : offsets[i + 1]]
        top = equities[decision["cands"][0][0]]
        costs[offsets[i] : offsets[i + 1]] = [1000 * max(0.0, top - equities[name]) for name in names]
        best[i] = names.index(decision["cands"][0][0])
    source = np.array([number for number, _ in decisions])
    return LabelledDecisions(boards, dice, candidates, offsets, costs, best, phase_codes(boards), source)
