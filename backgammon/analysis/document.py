"""The report as plain values for JSON: every figure, every roll, every candidate."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from backgammon.analysis.candidate_table import level_text, play_text
from backgammon.analysis.difference import describe_difference
from backgammon.analysis.judging import JudgedGame, JudgedRoll
from backgammon.analysis.report import Report, figure_rows, notes_of, title_of
from backgammon.evaluation.outcome import cumulative
from backgammon.notation.gnu_id import position_id
from backgammon.rules.board import Position, swap
from backgammon.search import RankedCandidate
from backgammon.tools.errors import IllegalPlay

VERSION = 1
"""Grows when a key changes its meaning."""


def as_document(report: Report, limit: int | None = None) -> dict[str, Any]:
    """Plain lists and dictionaries; the page of a match is drawn from the same.

    Chances are GNU Backgammon's five cumulative numbers, equities those of the player who moves. Boards and moves are
    in the view of that player, see `rules.board`; a cube has side 1 where the player on roll owns it, -1 the opponent.

    Args:
        report: of a match.
        limit: candidates of a roll, the play that was made always among them; None for all.
    """
    match = report.match
    return {
        "version": VERSION,
        "file": match.file,
        "players": list(match.players),
        "length": match.length,
        "engine": match.engine,
        "title": title_of(report),
        "notes": list(notes_of(report)),
        "summary": [list(row) for row in figure_rows(report)],
        "figures": [_without_nan(asdict(player)) for player in report.players],
        "worst": [{"game": roll.game, "roll": roll.roll + 1} for roll in report.worst],
        "games": [_game(game, limit) for game in match.games],
    }


def _without_nan(value: Any) -> Any:
    """The same with None for what could not be measured, which JSON has no number for."""
    if isinstance(value, dict):
        return {key: _without_nan(part) for key, part in value.items()}
    return None if isinstance(value, float) and value != value else value


def _game(game: JudgedGame, limit: int | None) -> dict[str, Any]:
    return {
        "number": game.number,
        "scores": list(game.score.points),
        "crawford": game.score.is_crawford,
        "points": game.points,
        "ending": game.ending,
        "net_luck": round(game.net_luck, 6),
        "problem": game.problem or None,
        "cube_actions": [
            {
                "before_roll": event.roll + 1,
                "seat": event.seat,
                "action": event.word,
                "cube": event.cube,
                "xgid": event.identifier.xgid,
                "board": event.position.board.tolist(),
            }
            for event in game.events
        ],
        "rolls": [_roll(roll, limit) for roll in game.rolls],
    }


def _roll(roll: JudgedRoll, limit: int | None) -> dict[str, Any]:
    decision, match = roll.decision, roll.identifier.match
    shown = [
        one for place, one in enumerate(roll.ranked) if limit is None or place < limit or one.row == decision.chosen
    ]
    return {
        "roll": roll.roll + 1,
        "seat": roll.seat,
        "dice": list(decision.roll),
        "board": decision.position.board.tolist(),
        "cube": {
            "value": match.cube,
            "side": 0 if match.cube_owner < 0 else 1 if match.cube_owner == roll.seat else -1,
        },
        "position_id": roll.identifier.position_id,
        "xgid": roll.identifier.xgid,
        "counted": roll.is_counted,
        "play": play_text(decision, roll.chosen.row),
        "loss": round(roll.loss, 6),
        "luck": round(roll.luck, 6),
        "difference": describe_difference(decision, roll.ranked[0].row, roll.chosen.row) if roll.loss > 0 else "",
        "candidates": [_candidate(roll, one) for one in shown],
        "in_file": _in_file(roll),
    }


def _candidate(roll: JudgedRoll, one: RankedCandidate) -> dict[str, Any]:
    decision = roll.decision
    return {
        "play": play_text(decision, one.row),
        "moves": [[move.source, move.target, int(move.is_hit)] for move in decision.plays[one.row]],
        "played": one.row == decision.chosen,
        "after": position_id(Position(swap(decision.candidates[one.row]))),
        "equity": round(one.equity, 6),
        "ply": one.ply,
        "level": level_text(one),
        "standard_error": one.standard_error,
        "joint_error": one.joint_error,
        "games": one.games,
        "chances": [round(value, 6) for value in cumulative(one.outcomes).tolist()],
    }


def _in_file(roll: JudgedRoll) -> dict[str, Any] | None:
    """What another program says of the same roll in the file: its candidates, and what the play lost; None: nothing."""
    analysis = roll.notes.plays if roll.notes is not None else None
    if analysis is None:
        return None
    decision = roll.decision
    plays = []
    for place in range(len(analysis)):
        try:
            row = decision.row_of(analysis.afters[place])
        except IllegalPlay:
            continue
        equity = round(float(analysis.equities[place]), 6)
        plays.append({"play": play_text(decision, row), "equity": equity, "level": str(analysis.levels[place])})
    played = analysis.row_of(decision.candidates[roll.chosen.row])
    is_told = played is not None and len(analysis) > 0
    loss = float(analysis.equities.max() - analysis.equities[played]) if is_told else None
    return {"candidates": plays, "loss": None if loss is None else round(loss, 6)}
