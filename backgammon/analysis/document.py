"""The report as plain values for JSON: every figure, every roll, every candidate."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from backgammon.analysis.candidate_table import play_text
from backgammon.analysis.judging import JudgedGame, JudgedRoll
from backgammon.analysis.report import Report, notes_of
from backgammon.evaluation.outcome import cumulative
from backgammon.notation.gnu_id import position_ids
from backgammon.rules.board import swap

VERSION = 1
"""Grows when a key changes its meaning."""


def as_document(report: Report) -> dict[str, Any]:
    """Plain lists and dictionaries.

    Chances are GNU Backgammon's five cumulative numbers, equities those of the player who moves.
    """
    match = report.match
    return {
        "version": VERSION,
        "file": match.file,
        "players": list(match.players),
        "length": match.length,
        "engine": match.engine,
        "notes": list(notes_of(report)),
        "figures": [_without_nan(asdict(player)) for player in report.players],
        "worst": [{"game": roll.game, "roll": roll.roll + 1} for roll in report.worst],
        "games": [_game(game) for game in match.games],
    }


def _without_nan(value: Any) -> Any:
    """The same with None for what could not be measured, which JSON has no number for."""
    if isinstance(value, dict):
        return {key: _without_nan(part) for key, part in value.items()}
    return None if isinstance(value, float) and value != value else value


def _game(game: JudgedGame) -> dict[str, Any]:
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
            }
            for event in game.events
        ],
        "rolls": [_roll(roll) for roll in game.rolls],
    }


def _roll(roll: JudgedRoll) -> dict[str, Any]:
    afters = position_ids(swap(roll.decision.candidates))
    return {
        "roll": roll.roll + 1,
        "seat": roll.seat,
        "dice": list(roll.decision.roll),
        "position_id": roll.identifier.position_id,
        "xgid": roll.identifier.xgid,
        "counted": roll.is_counted,
        "play": play_text(roll.decision, roll.chosen.row),
        "loss": round(roll.loss, 6),
        "luck": round(roll.luck, 6),
        "candidates": [
            {
                "play": play_text(roll.decision, one.row),
                "after": afters[one.row],
                "equity": round(one.equity, 6),
                "ply": one.ply,
                "standard_error": one.standard_error,
                "games": one.games,
                "chances": [round(value, 6) for value in cumulative(one.outcomes).tolist()],
            }
            for one in roll.ranked
        ],
    }
