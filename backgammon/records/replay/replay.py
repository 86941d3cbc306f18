"""From match records to checked decisions: every play executed, found among the candidates, and the game's result.

Axis: T = plays of a game that became decisions, forced ones included; dances, rolls that were not played and everything
behind a break are left out. A break costs the rest of its game only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from backgammon.notation.play_text import parse_play
from backgammon.records.record.account import Problem
from backgammon.records.record.record import Action, GameRecord, MatchRecord, RollAction
from backgammon.records.replay.execution import (
    AMBIGUOUS,
    COULD_MOVE,
    DANCED,
    ILLEGAL,
    OVER,
    PLAYED,
    UNPLAYED,
    Execution,
)
from backgammon.records.replay.legs import CODE_SIZE, ILLEGAL_NOTE, encode_play
from backgammon.records.replay.result import judge
from backgammon.records.replay.script import Break, GameScript, has_no_play, order_events, refuse_game
from backgammon.rules.board import START, Board, Position
from backgammon.rules.decision import Decision
from backgammon.rules.decisions import Decisions
from backgammon.rules.match import MatchScore, check_stakes
from backgammon.tools.arrays import Int8s, Int64s
from backgammon.tools.errors import NotationError, RecordError, StakesError

_REASONS = {
    ILLEGAL: "is not legal",
    AMBIGUOUS: "could mean two different plays",
    COULD_MOVE: "is wrong: this roll can be played",
    OVER: "comes after the last checker was borne off",
}


@dataclass(frozen=True, eq=False)
class LoggedDecision:
    """A play of a log as a decision.

    Attributes:
        decision: position, roll, candidates and the chosen row.
        match: identity of the match by its plays; equal for copies in other files and dialects.
        unit: identity of what is independent of everything else: the match, or the single game of a money session.
        file: where it was read.
        game: counted from 1 in the file.
        turn: rolls of the game before this one.
        player: name of the player on roll.
        seat: 0 left column, 1 right column.
        points: what the player on roll won (lost: negative) by the game, cube apart: 1 single, 2 gammon, 3 backgammon;
            0 when a double was dropped or nothing is known.
        winner: seat that won the game, None when nothing is known.
    """

    decision: Decision
    match: str
    unit: str
    file: str
    game: int
    turn: int
    player: str
    seat: int
    points: int
    winner: int | None


@dataclass(frozen=True, eq=False)
class ReplayedGame:
    """The plays of a game as arrays, in the order of the log.

    Attributes:
        plays: T decisions with what was chosen; all of one unit.
        seats: int8[T].
        turns: int64[T], rolls of the game before the play.
        file: where it was read.
        game: counted from 1 in the file.
        players: names by seat.
        score: before the game; money play where the scores mean nothing.
        winner: seat that won, None when nothing is known.
        size: 1 single, 2 gammon, 3 backgammon; 0 when a double was dropped or nothing is known.
        ending: "borne off", "drop", "resigned" or "unknown".
        num_rolls: all rolls of the game.
        num_dances: rolls that allowed no play.
        num_unplayed: rolls not played though they could have been.
        problem: where the game breaks and what that costs, if it does.
        warnings: oddities that cost nothing.
        match: see `LoggedDecision`.
        unit: see `LoggedDecision`.
    """

    plays: Decisions
    seats: Int8s
    turns: Int64s
    file: str
    game: int
    players: tuple[str, str]
    score: MatchScore
    winner: int | None
    size: int
    ending: str
    num_rolls: int
    num_dances: int
    num_unplayed: int
    problem: Problem | None
    warnings: tuple[Problem, ...]
    match: str = ""
    unit: str = ""

    def __len__(self) -> int:
        return len(self.plays)

    @property
    def points(self) -> int:
        """Size of the game for seat 0: positive when it won, negative when it lost, 0 when unknown or dropped."""
        return self.size if self.winner == 0 else -self.size

    @property
    def num_forced(self) -> int:
        """Plays without a choice."""
        return int(self.plays.is_forced.sum())

    def decisions(self) -> Iterator[LoggedDecision]:
        """Every play with its candidates, forced ones included (`decision.is_forced`)."""
        for i, decision in enumerate(self.plays):
            seat = int(self.seats[i])
            yield LoggedDecision(
                decision=decision,
                match=self.match,
                unit=self.unit,
                file=self.file,
                game=self.game,
                turn=int(self.turns[i]),
                player=self.players[seat],
                seat=seat,
                points=self.points if seat == 0 else -self.points,
                winner=self.winner,
            )


@dataclass(frozen=True, eq=False)
class ReplayedMatch:
    """A match whose plays have been checked.

    Attributes:
        identity: hash over its plays; names, dialect, file name and blanks do not matter.
        games: in order, one for each game of the record.
    """

    identity: str
    games: tuple[ReplayedGame, ...]

    @property
    def num_plays(self) -> int:
        """Plays of all games."""
        return sum(len(game) for game in self.games)


def replay_match(record: MatchRecord, first_game: int = 1) -> ReplayedMatch:
    """Execute every game of a record.

    Args:
        record: as read.
        first_game: number of its first game, counted in the file.

    Raises:
        RecordError: another game than backgammon, which starts from another position.
    """
    if record.variation.casefold() != "backgammon":
        raise RecordError(
            f"line {record.line}: the match is '{record.variation}', which starts from another position; "
            "only plain backgammon can be replayed"
        )
    length = 0 if record.is_unlimited else record.length
    score = MatchScore.start(length, uses_crawford=record.header("Crawford").casefold() != "off")
    games: list[ReplayedGame] = []
    for index, game in enumerate(record.games):
        score = _score_of(game, score)
        following = record.games[index + 1].scores if index + 1 < len(record.games) else None
        games.append(_replay_game(game, score, following, record.file, first_game + index))
    identity = _hash_plays(length, games)
    units = [_hash_plays(length, [game]) if record.is_money else identity for game in games]
    named = tuple(replace(game, match=identity, unit=unit) for game, unit in zip(games, units, strict=True))
    return ReplayedMatch(identity, named)


def _score_of(game: GameRecord, before: MatchScore) -> MatchScore:
    """The score of a game after the one of the game before; a set-up position may know more about the Crawford game."""
    score = before.at(*game.scores)
    if game.start is None or game.start.is_crawford is None or score.is_money:
        return score
    is_past = not game.start.is_crawford and 1 in (score.away(0), score.away(1))
    return replace(score, is_crawford=game.start.is_crawford, is_past_crawford=is_past)


def _hash_plays(length: int, games: Sequence[ReplayedGame]) -> str:
    """32 hex digits over length, movers, dice and positions reached; seats counted from the first to move.

    Only plays count, because writers differ in dances, unplayed rolls, names, marks and the order of the columns.
    """
    digest = hashlib.blake2b(b"%d" % length, digest_size=16)
    first_seat: np.int8 | None = None
    for game in games:
        if len(game) and first_seat is None:
            first_seat = game.seats[0]
        movers = game.seats if first_seat is None else game.seats ^ first_seat
        digest.update(b"%d:" % len(game) + movers.tobytes() + game.plays.dice.tobytes() + game.plays.afters.tobytes())
    return digest.hexdigest()


def _replay_game(
    game: GameRecord, score: MatchScore, following: tuple[int, int] | None, file: str, number: int
) -> ReplayedGame:
    """One game; `following` are the scores before the next one."""
    refusal = _refusal(game, score)
    script = refuse_game(game, refusal) if refusal else order_events(game, has_cube=not score.is_crawford)
    dice, codes = _encode(script.rolls[: script.num_executable])
    chain = Execution(dice, codes, _start_board(game, script))
    num_unplayed, broken = _find_break(script, chain)
    played = np.flatnonzero(chain.statuses == PLAYED)
    seats = np.array([script.rolls[i].seat for i in played], dtype=np.int8)
    outcome = judge(script, chain, game.scores, following)
    warnings = [_problem(file, number, action, text) for action, text in script.warnings]
    if outcome.oddity:
        warnings.append(Problem(file, game.line, number, 0, "", outcome.oddity))
    lost = len(script.rolls) - broken.index if broken else 0
    return ReplayedGame(
        plays=Decisions.make(chain.boards[played], dice[played], chain.rows[played], np.zeros(len(played), np.int64)),
        seats=seats,
        turns=played,
        file=file,
        game=number,
        players=game.players,
        score=score,
        winner=outcome.winner,
        size=outcome.size,
        ending=outcome.ending,
        num_rolls=len(script.rolls),
        num_dances=int((chain.statuses == DANCED).sum()),
        num_unplayed=num_unplayed,
        problem=_problem(file, number, broken.action, broken.reason, lost) if broken else None,
        warnings=tuple(warnings),
    )


def _refusal(game: GameRecord, score: MatchScore) -> str:
    """Why the score and the cube that a game begins with cannot be; "" when they can."""
    start = game.start
    cube, owner = (1, None) if start is None else (start.cube, start.cube_owner)
    is_crawford = start is not None and bool(start.is_crawford)
    try:
        check_stakes(score.length, game.scores, cube, owner, is_crawford and not score.is_money, _seat_names(game))
    except StakesError as error:
        return str(error)
    return ""


def _seat_names(game: GameRecord) -> tuple[str, str]:
    """Names for messages, the columns where nobody is named."""
    first, second = (name[:40] for name in game.players)
    return (first, second) if first and second and first != second else ("the left column", "the right column")


def _start_board(game: GameRecord, script: GameScript) -> Board:
    """int8[26] seen by the first to roll."""
    if game.start is None or not script.rolls:
        return START
    return game.start.seen_by(script.rolls[0].seat).board


def _encode(rolls: Sequence[RollAction]) -> tuple[Int8s, Int8s]:
    """(dice int8[T, 2], larger first; codes int8[T, CODE_SIZE]) of rolls that have dice."""
    dice = np.array([roll.roll for roll in rolls], dtype=np.int8).reshape(-1, 2)
    codes = np.frombuffer(b"".join([encode_play(roll.play) for roll in rolls]), dtype=np.int8).reshape(-1, CODE_SIZE)
    return np.ascontiguousarray(np.sort(dice, axis=1)[:, ::-1]), codes


def _find_break(script: GameScript, chain: Execution) -> tuple[int, Break | None]:
    """(rolls that were not played, where the game breaks if it does)."""
    num_resolved = int((chain.statuses <= DANCED).sum())
    status = int(chain.statuses[-1]) if len(chain.statuses) > num_resolved else PLAYED
    if status not in (PLAYED, UNPLAYED):
        action = script.rolls[num_resolved]
        is_noted = encode_play(action.play)[0] == ILLEGAL_NOTE
        unusable = "is what the writer kept of an illegal play" if is_noted else "is not the text of a play"
        reason = _REASONS.get(status, unusable)
        if status in (ILLEGAL, AMBIGUOUS):
            reason += _explain(action, chain.boards[-1])
        return 0, Break(num_resolved, action, reason)
    broken = script.broken
    end = len(script.rolls) if broken is None else broken.index
    for index in range(num_resolved + 1, end):
        if not has_no_play(script.rolls[index]):
            return index - num_resolved, Break(index, script.rolls[index], "follows a roll that was not played")
    return end - num_resolved, broken


def _explain(action: RollAction, board: Board) -> str:
    """What is wrong with a play and what would be right, as a person who typed it would be told; may be empty."""
    if action.roll is None:
        return ""
    try:
        parse_play(action.play, Decision.make(Position(board), action.roll))
    except NotationError as error:
        return f" ({error})"
    return ""


def _problem(file: str, number: int, action: Action, reason: str, num_lost: int = 0) -> Problem:
    """The entry and what is said about it."""
    return Problem(file, action.line, number, action.row, describe(action)[:80], reason, num_lost)


def describe(action: Action) -> str:
    """An entry in words, as a writer would put it."""
    match action:
        case RollAction(roll=None, play=play):
            return play
        case RollAction(roll=(die1, die2), play=play):
            return f"{die1}{die2}: {play}".rstrip()
        case _:
            text: str = getattr(action, "text", "")
            return text or type(action).__name__.removesuffix("Action")
