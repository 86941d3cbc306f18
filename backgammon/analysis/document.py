"""The report as plain values for JSON: every figure, every roll, every candidate."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from backgammon.analysis.candidate_table import level_text, play_text
from backgammon.analysis.cube_spots import JudgedCube
from backgammon.analysis.difference import describe_difference
from backgammon.analysis.judging import JudgedGame, JudgedRoll
from backgammon.analysis.logged_rolls import CUBE_WORDS, CubeEvent
from backgammon.analysis.report import Report, figure_rows, judge_of, notes_of, title_of
from backgammon.analysis.stakes_table import verdict_fields
from backgammon.cube.valuation import Valuation
from backgammon.evaluation.outcome import cumulative
from backgammon.notation.gnu_id import position_id
from backgammon.notation.match_id import MatchId
from backgammon.rules.board import Position, swap
from backgammon.search import RankedCandidate
from backgammon.tools.errors import IllegalPlay
from backgammon.tools.quoting import one_line

VERSION = 2
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
        "file": one_line(match.file),
        "players": [one_line(name) for name in match.players],
        "length": match.length,
        "engine": match.engine,
        "cubeful": match.is_cubeful,
        "title": title_of(report),
        "judged": judge_of(report),
        "notes": list(notes_of(report)),
        "summary": [list(row) for row in figure_rows(report)],
        "figures": [_without_nan(asdict(player)) for player in report.players],
        "worst": [_place(one) for one in report.worst],
        "games": [_game(game, limit, match.is_cubeful) for game in match.games],
    }


def _without_nan(value: Any) -> Any:
    """The same with None for what could not be measured, which JSON has no number for."""
    if isinstance(value, dict):
        return {key: _without_nan(part) for key, part in value.items()}
    return None if isinstance(value, float) and value != value else value


def _place(one: JudgedRoll | JudgedCube) -> dict[str, Any]:
    """Where a decision stands: a roll, or what was done with the cube before it."""
    action = {"action": one.action} if isinstance(one, JudgedCube) else {}
    return {"game": one.game, "roll": one.roll + 1, "seat": one.seat, **action}


def _game(game: JudgedGame, limit: int | None, is_cubeful: bool) -> dict[str, Any]:
    return {
        "number": game.number,
        "scores": list(game.score.points),
        "crawford": game.score.is_crawford,
        "points": game.points,
        "ending": game.ending,
        "net_luck": round(game.net_luck, 6),
        "problem": game.problem or None,
        "mwc": None if game.mwc is None else [round(chance, 6) for chance in game.mwc],
        "net_mwc_luck": round(game.net_mwc_luck, 6),
        "cube_actions": [_cube(cube) for cube in game.cubes]
        if is_cubeful
        else [_event(event) for event in game.events],
        "rolls": [_roll(roll, limit) for roll in game.rolls],
    }


def _event(event: CubeEvent) -> dict[str, Any]:
    """What was done with the cube, where nobody has judged it; the board is that of the player on roll."""
    match = event.identifier.match
    return {
        "before_roll": event.roll + 1,
        "seat": event.seat,
        "on_roll": match.on_roll,
        "action": event.action,
        "text": CUBE_WORDS[event.action],
        "cube": _cube_place(match),
        "position_id": event.identifier.position_id,
        "xgid": event.identifier.xgid,
        "board": event.position.board.tolist(),
    }


def _cube(cube: JudgedCube) -> dict[str, Any]:
    """A cube decision; board, verdict and cube are those of the player on roll."""
    identifier = cube.identifier
    verdict = verdict_fields(cube.verdict, Valuation(cube.verdict.stakes))
    told = None
    if cube.told is not None and cube.told_loss is not None:
        level = str(cube.spot.analysis.level) if cube.spot.analysis else ""
        equities = [round(value, 6) for value in cube.told.equities]
        told = {"equities": equities, "wording": cube.told.wording, "level": level, "loss": round(cube.told_loss, 6)}
    return {
        "before_roll": cube.roll + 1,
        "seat": cube.seat,
        "on_roll": cube.spot.seat,
        "action": cube.action,
        "text": cube.words,
        "cube": _cube_place(identifier.match),
        "position_id": identifier.position_id,
        "xgid": identifier.xgid,
        "board": cube.spot.board.tolist(),
        "counted": cube.is_counted,
        "close": cube.is_close,
        "loss": round(cube.loss, 6),
        "mwc_loss": round(cube.mwc_loss, 6),
        "kind": cube.kind,
        "verdict": verdict,
        "in_file": told,
    }


def _cube_place(match: MatchId) -> dict[str, int]:
    """Value, and the side that owns it: 1 the player on roll, -1 the opponent, 0 nobody."""
    side = 0 if match.cube_owner < 0 else 1 if match.cube_owner == match.on_roll else -1
    return {"value": match.cube, "side": side}


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
        "cube": _cube_place(match),
        "position_id": roll.identifier.position_id,
        "xgid": roll.identifier.xgid,
        "counted": roll.is_counted,
        "play": play_text(decision, roll.chosen.row),
        "loss": round(roll.loss, 6),
        "mwc_loss": round(roll.mwc_loss, 6),
        "luck": round(roll.luck, 6),
        "mwc_luck": round(roll.mwc_luck, 6),
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
        "mwc": None if one.mwc is None else round(one.mwc, 6),
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
