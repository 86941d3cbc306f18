"""Logs to test with: whole games of random play, and writers that put them down in the dialects of the .mat family."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from backgammon.notation.play_text import format_play
from backgammon.records import MatchRecord, ReplayedGame, replay_match
from backgammon.records.formats.mat import read
from backgammon.rules.board import START, Position, points_won, swap
from backgammon.rules.decision import Decision, Play


@dataclass(frozen=True)
class KnownPlay:
    """One roll of a game of which everything is known; `play` is empty for a dance."""

    seat: int
    decision: Decision
    play: Play


def random_game(seed: int, max_rolls: int = 1_000) -> list[KnownPlay]:
    """A game of uniformly random play to its end (or to `max_rolls`)."""
    rng = np.random.default_rng(seed)
    board, seat = START, int(rng.integers(2))
    plays: list[KnownPlay] = []
    while not points_won(board) and len(plays) < max_rolls:
        die1, die2 = rng.integers(1, 7, size=2).tolist()
        if not plays and die1 == die2:
            continue
        decision = Decision.make(Position(board), (die1, die2))
        decision = decision.choose(int(rng.integers(len(decision.candidates))))
        assert decision.chosen is not None
        plays.append(KnownPlay(seat, decision, decision.plays[decision.chosen]))
        board, seat = swap(decision.candidates[decision.chosen]), 1 - seat
    return plays


def _one_die_per_leg(play: Play, marks_hits: bool) -> str:
    return " ".join(f"{m.source}/{m.target}{'*' if m.is_hit and marks_hits else ''}" for m in play)


def _with_counts(play: Play) -> str:
    """`bar/20 13/11(2)`: words for bar and off, equal moves counted, the star on the first."""
    counted: Counter[tuple[int, int]] = Counter((m.source, m.target) for m in play)
    hits = {(m.source, m.target) for m in play if m.is_hit}
    names = {25: "bar", 0: "off"}
    return " ".join(
        f"{names.get(source, source)}/{names.get(target, target)}{'*' if (source, target) in hits else ''}"
        + (f"({count})" if count > 1 else "")
        for (source, target), count in counted.items()
    )


def _capitalised(play: Play) -> str:
    return format_play(play).replace("bar", "Bar").replace("off", "Off")


@dataclass(frozen=True)
class Dialect:
    """How one family of programs writes rows.

    Attributes:
        play: text of a play.
        dance: text behind the dice when no checker can move.
        left_width: columns of the left cell.
        is_small_die_first: the habit of Snowie.
        trailing: blanks at the end of every row.
    """

    play: Callable[[Play], str]
    dance: str = ""
    left_width: int = 28
    is_small_die_first: bool = False
    trailing: str = ""


DIALECTS: dict[str, Dialect] = {
    "XG": Dialect(_capitalised, dance="Cannot Move", left_width=36, trailing="   "),
    "Studio": Dialect(format_play, dance="Cannot Move", left_width=36),
    "counts without hops": Dialect(_with_counts, left_width=34),
    "Jellyfish": Dialect(lambda play: _one_die_per_leg(play, marks_hits=True), left_width=27),
    "Galaxy": Dialect(lambda play: _one_die_per_leg(play, marks_hits=False)),
    "Snowie": Dialect(lambda play: _one_die_per_leg(play, marks_hits=False), left_width=30, is_small_die_first=True),
}


def write_rows(plays: list[KnownPlay], dialect: Dialect) -> str:
    """The numbered rows of a game."""
    rows: list[list[str]] = []
    for known in plays:
        high, low = known.decision.roll
        dice = f"{low}{high}" if dialect.is_small_die_first else f"{high}{low}"
        cell = f"{dice}: {dialect.play(known.play) if known.play else dialect.dance}".rstrip()
        if known.seat == 0 or not rows:
            rows.append(["", ""])
        rows[-1][known.seat] = cell
    width = dialect.left_width
    return "".join(f"{i:3d}) {left:<{width}}{right}{dialect.trailing}\n" for i, (left, right) in enumerate(rows, 1))


def as_match(rows: str, length: int = 0, names: str = " Ann : 0                 Bob : 0", headers: str = "") -> str:
    """A file with one game."""
    return f"{headers}\n {length} point match\n\n Game 1\n{names}\n{rows}"


def only_match(text: str | bytes) -> MatchRecord:
    """The one match in a file."""
    (match,) = read(text.encode() if isinstance(text, str) else text, "test.mat")
    return match


def only_game(rows: str, length: int = 0, headers: str = "") -> ReplayedGame:
    """The one game of a file with these rows, replayed."""
    (game,) = replay_match(only_match(as_match(rows, length, headers=headers))).games
    return game


def played(game: ReplayedGame) -> list[str]:
    """Dice and canonical text of every play."""
    texts = []
    for logged in game.decisions():
        assert logged.decision.chosen is not None
        texts.append(f"{logged.decision.roll} {format_play(logged.decision.plays[logged.decision.chosen])}")
    return texts
