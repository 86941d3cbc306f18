"""What is lost when a match is written in another format and read again: compared by meaning, not by letters."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from backgammon.records.record.annotation import CubeAnalysis, Notes, PlayAnalysis
from backgammon.records.record.record import (
    Action,
    BeaverAction,
    DoubleAction,
    DropAction,
    GameRecord,
    MatchRecord,
    ResignAction,
    ResultAction,
    RollAction,
    TakeAction,
    UnreadableAction,
    without_notes,
)
from backgammon.records.replay.replay import ReplayedGame, replay_match
from backgammon.records.replay.script import has_no_play

KINDS = (
    "games",  # their number
    "length",
    "names",
    "scores",
    "numbers",  # of the games
    "starts",  # set-up positions
    "headers",
    "plays",  # positions, dice, who moved
    "rolls",  # those without a play
    "unknown rolls",  # whose dice the writer did not know
    "cube",
    "results",
    "texts",  # entries as they were written
    "analysis",
    "comments",
)
"""What can be lost."""

PRECISION = 2e-6
"""Difference of equities and chances that counts as none: formats hold six decimals."""


def find_losses(before: MatchRecord, after: MatchRecord) -> set[str]:
    """The KINDS in which two records of a match differ.

    Entries behind a break, which nobody can follow, count only as texts.

    Raises:
        RecordError: a match that cannot be replayed.
    """
    if len(before.games) != len(after.games):
        return {"games"}
    lost = {
        kind
        for kind, differs in (
            ("length", before.length != after.length),
            ("headers", before.headers != after.headers),
            ("names", [game.players for game in before.games] != [game.players for game in after.games]),
            ("scores", [game.scores for game in before.games] != [game.scores for game in after.games]),
            ("numbers", [game.number for game in before.games] != [game.number for game in after.games]),
            ("starts", [game.start for game in before.games] != [game.start for game in after.games]),
        )
        if differs
    }
    plain, other = without_notes(before).games, without_notes(after).games
    if [game.actions for game in plain] != [game.actions for game in other]:
        lost.add("texts")
    for game, again, *replayed in zip(
        before.games, after.games, replay_match(before).games, replay_match(after).games, strict=True
    ):
        lost.update(_game_losses(game, again, *replayed))
    return lost


def _game_losses(game: GameRecord, again: GameRecord, played: ReplayedGame, replayed: ReplayedGame) -> Iterator[str]:
    arrays = ((getattr(played.plays, name), getattr(replayed.plays, name)) for name in ("boards", "dice", "chosen"))
    if not all(np.array_equal(one, other) for one, other in (*arrays, (played.seats, replayed.seats))):
        yield "plays"
    *rolls, unknown = _roll_counts(game, played)
    *rolls_again, unknown_again = _roll_counts(again, replayed)
    if unknown != unknown_again:
        yield "unknown rolls"
    if rolls != rolls_again:
        yield "rolls"
    if (played.winner, played.size, played.ending) != (replayed.winner, replayed.size, replayed.ending):
        yield "results"
    if played.problem is None and _cube_actions(game) != _cube_actions(again):
        yield "cube"
    yield from _note_losses(game, again)


def _roll_counts(game: GameRecord, replayed: ReplayedGame) -> tuple[int, int, int, int]:
    """(dances, rolls not played, all rolls, rolls without dice), those behind a break left out."""
    num_good = replayed.num_rolls - (replayed.problem.num_lost if replayed.problem else 0)
    rolls = [action for action in game.actions if isinstance(action, RollAction)]
    num_unknown = sum(roll.roll is None and has_no_play(roll) for roll in rolls[:num_good])
    return replayed.num_dances, replayed.num_unplayed - num_unknown, num_good - num_unknown, num_unknown


def _cube_actions(game: GameRecord) -> list[Action]:
    """Everything that was done with the cube, up to the end of the game or to where nothing can be followed."""
    kept: list[Action] = []
    for action in without_notes(MatchRecord(0, (game,))).games[0].actions:
        if isinstance(action, UnreadableAction | ResultAction | ResignAction):
            break
        if isinstance(action, DoubleAction | TakeAction | DropAction | BeaverAction):
            kept.append(action)
        if isinstance(action, DropAction):
            break
    return kept


def _note_losses(game: GameRecord, again: GameRecord) -> Iterator[str]:
    noted = [action.notes for action in game.actions if action.notes is not None]
    noted_again = [action.notes for action in again.actions if action.notes is not None]
    if [notes.comment for notes in noted if notes.comment] != [notes.comment for notes in noted_again if notes.comment]:
        yield "comments"
    analysed = [notes for notes in noted if notes.plays or notes.cube or notes.luck is not None]
    analysed_again = [notes for notes in noted_again if notes.plays or notes.cube or notes.luck is not None]
    if len(analysed) != len(analysed_again) or not all(map(_is_same_analysis, analysed, analysed_again)):
        yield "analysis"


def _is_same_analysis(one: Notes, other: Notes) -> bool:
    """True up to PRECISION."""
    if (one.luck is None) != (other.luck is None) or abs((one.luck or 0.0) - (other.luck or 0.0)) > PRECISION:
        return False
    return _are_same_plays(one.plays, other.plays) and _are_same_cubes(one.cube, other.cube)


def _are_same_plays(one: PlayAnalysis | None, other: PlayAnalysis | None) -> bool:
    if one is None or other is None:
        return one is other
    return (
        one.levels == other.levels
        and np.array_equal(one.afters, other.afters)
        and np.allclose(one.equities, other.equities, rtol=0, atol=PRECISION)
        and np.allclose(one.chances, other.chances, rtol=0, atol=PRECISION, equal_nan=True)
    )


def _are_same_cubes(one: CubeAnalysis | None, other: CubeAnalysis | None) -> bool:
    if one is None or other is None:
        return one is other
    values = [
        [*(cube.chances or ()), *(value for value in (cube.no_double, cube.double_take, cube.double_pass) if value)]
        for cube in (one, other)
    ]
    same_shape = len(values[0]) == len(values[1]) and (one.level, one.is_mwc) == (other.level, other.is_mwc)
    return same_shape and np.allclose(values[0], values[1], rtol=0, atol=PRECISION)
