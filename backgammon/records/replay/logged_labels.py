"""Analysis that a log brings along, put to the candidates of its rolls: labelled decisions.

Axes: K candidates that were evaluated and are legal, N candidates of the roll.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from backgammon.records.record.annotation import PlayAnalysis
from backgammon.records.record.record import GameRecord, RollAction
from backgammon.records.replay.replay import ReplayedGame
from backgammon.records.replay.script import order_events
from backgammon.rules.board import START, Board, Position, swap
from backgammon.rules.decision import Decision
from backgammon.tools.arrays import Float32s, Int64s
from backgammon.tools.errors import PairgammonError


@dataclass(frozen=True, eq=False)
class LabelledDecision:
    """A roll with the values that a program gave to its candidates.

    Attributes:
        decision: position, roll and candidates; the chosen row is None where the log does not say what was played.
        analysis: of the K candidates, best first.
        rows: int64[K], row of each among the candidates of the decision.
        action: the entry of the log.
    """

    decision: Decision
    analysis: PlayAnalysis
    rows: Int64s
    action: RollAction

    @property
    def equities(self) -> Float32s:
        """float32[N], NaN for candidates that were not evaluated."""
        values = np.full(len(self.decision.candidates), np.nan, dtype=np.float32)
        values[self.rows] = self.analysis.equities
        return values


def labelled_decisions(game: GameRecord, replayed: ReplayedGame) -> Iterator[LabelledDecision]:
    """Every analysed roll whose position is known, those included that were never played.

    Args:
        game: as read.
        replayed: what `replay_match` made of it.
    """
    rolls = order_events(game, has_cube=not replayed.score.is_crawford).rolls
    plays = {turn: index for index, turn in enumerate(replayed.turns.tolist())}
    next_turn = len(replayed) + replayed.num_dances  # the first roll that was not executed
    for turn, action in enumerate(rolls):
        if action.notes is None or action.notes.plays is None or action.roll is None:
            continue
        if turn in plays:
            index = plays[turn]
            board, chosen = replayed.plays.boards[index], int(replayed.plays.chosen_rows[index])
        elif turn == next_turn:
            board, chosen = _board_before(game, replayed, rolls, turn), -1
        else:
            continue
        labelled = _label(action, board, chosen)
        if labelled is not None:
            yield labelled


def _board_before(game: GameRecord, replayed: ReplayedGame, rolls: list[RollAction], turn: int) -> Board:
    """int8[26] before a roll that follows the last play, dances apart, seen by the player on roll."""
    seat = rolls[turn].seat
    if len(replayed):
        after: Board = replayed.plays.afters[-1]
        return after if int(replayed.seats[-1]) == seat else swap(after)
    return game.start.seen_by(seat).board if game.start is not None else START


def _label(action: RollAction, board: Board, chosen: int) -> LabelledDecision | None:
    """None when the position allows no play, or when nothing that was evaluated is legal."""
    analysis = action.notes.plays if action.notes else None
    if analysis is None or action.roll is None:
        return None
    try:
        decision = Decision.make(Position(board), action.roll)
    except PairgammonError:
        return None
    if chosen >= 0:
        decision = decision.choose(chosen)
    same = (analysis.afters[:, None] == decision.candidates[None]).all(axis=2)
    is_legal = same.any(axis=1)
    if not is_legal.any():
        return None
    kept = analysis.select(is_legal)
    return LabelledDecision(decision, kept, np.argmax(same[is_legal], axis=1), action)
