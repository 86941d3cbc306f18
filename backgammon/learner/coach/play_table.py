"""Plays of people as arrays: who made which, with every alternative and what the engine says of it.

N unforced plays, M candidates of all of them together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from backgammon.evaluation.outcome import equities
from backgammon.learner.net.scorer import Scorer
from backgammon.records import read_logs
from backgammon.records.reading import Progress
from backgammon.rules import ragged
from backgammon.rules.decisions import Decisions
from backgammon.rules.match import MatchScore
from backgammon.rules.phase import RACE, phase_codes
from backgammon.tools.arrays import Bools, Float32s, Int8s, Int64s
from backgammon.tools.errors import DataError

SCORES: tuple[str, ...] = ("money", "even", "ahead", "behind", "Crawford or after", "double match point")
"""Kinds of match score, from the player on roll."""


@dataclass(frozen=True, eq=False)
class PlayTable:
    """Unforced plays in the order of the logs.

    Attributes:
        plays: N decisions with what was chosen; `unit` is the number of the match (in money sessions of the game).
        player: int64[N], number of the player in `players`.
        players: names as they were first written; case and blanks around do not matter.
        score: int8[N], index into `SCORES`.
        values: float32[M], score of the engine's net, ordinal within a decision.
        outcomes: float32[M, 6], for the mover.
    """

    plays: Decisions
    player: Int64s
    players: tuple[str, ...]
    score: Int8s
    values: Float32s
    outcomes: Float32s

    def __len__(self) -> int:
        return len(self.plays)

    @property
    def regrets(self) -> Float32s:
        """float32[M]: points of cubeless equity behind the decision's best, by the engine at 0-ply."""
        worth = equities(self.outcomes)
        offsets = self.plays.offsets
        return ragged.spread(ragged.largest(worth, offsets), offsets) - worth

    @property
    def made(self) -> Int64s:
        """int64[N]: the play that was made, among all M candidates."""
        return self.plays.places(self.plays.chosen_rows)

    @property
    def phases(self) -> Int8s:
        """int8[N]: codes of `rules.phase`."""
        return phase_codes(self.plays.boards)

    @property
    def is_race(self) -> Bools:
        """bool[N]: no contact left."""
        return np.asarray(self.phases == RACE)

    def of_player(self, name: str) -> Bools:
        """bool[N]: the plays of a player.

        Raises:
            DataError: nobody of that name; the nearest ones are named.
        """
        keys = [_key(other) for other in self.players]
        if _key(name) not in keys:
            counts = np.bincount(self.player, minlength=len(keys))
            often = ", ".join(f"{self.players[i]!r} ({counts[i]:,})" for i in np.argsort(-counts)[:5])
            raise DataError(f"no unforced play by {name!r} in these logs; most plays are by {often}")
        return np.asarray(self.player == keys.index(_key(name)))

    def take(self, is_wanted: Bools) -> PlayTable:
        """The plays of bool[N] alone."""
        rows = ragged.spread(is_wanted, self.plays.offsets)
        return PlayTable(
            self.plays.take(is_wanted),
            self.player[is_wanted],
            self.players,
            self.score[is_wanted],
            self.values[rows],
            self.outcomes[rows],
        )


def read_plays(paths: Iterable[str], scorer: Scorer, progress: Progress | None = None) -> PlayTable:
    """Every unforced play of the logs.

    Args:
        paths: files and folders, see `read_logs`.
        scorer: a net with outcomes.
        progress: see `records.reading.Progress`.

    Raises:
        RecordError: no such file.
        DataError: no play in them.
        ModelError: the net gives no chances.
    """
    units: dict[str, int] = {}
    people: dict[str, int] = {}
    names: list[str] = []
    parts: list[Decisions] = []
    players: list[Int64s] = []
    scores: list[Int8s] = []
    for game in read_logs(paths, progress):
        is_free = ~game.plays.is_forced
        if not is_free.any():
            continue
        seats = game.seats[is_free]
        unit = units.setdefault(game.unit, len(units))
        parts.append(replace(game.plays.take(is_free), unit=np.full(len(seats), unit, dtype=np.int64)))
        numbers = [_number(name, people, names) for name in game.players]
        players.append(np.array(numbers, dtype=np.int64)[seats])
        scores.append(np.array([score_kind(game.score, seat) for seat in (0, 1)], dtype=np.int8)[seats])
    if not parts:
        raise DataError("no unforced play in these logs: there is nothing to learn a player from")
    plays = Decisions.join(parts)
    return make_table(plays, np.concatenate(players), tuple(names), np.concatenate(scores), scorer)


def make_table(plays: Decisions, player: Int64s, players: tuple[str, ...], score: Int8s, scorer: Scorer) -> PlayTable:
    """A table of N plays, every candidate judged; see `PlayTable`."""
    scorer.require_outcomes()
    values, outcomes = scorer.judge(plays.candidates)
    assert values is not None
    assert outcomes is not None
    return PlayTable(plays, player, players, score, values, outcomes)


def score_kind(score: MatchScore, seat: int) -> int:
    """Index into `SCORES` for the player in `seat`."""
    if score.is_money:
        return SCORES.index("money")
    own, other = score.away(seat), score.away(1 - seat)
    if own == other == 1:
        return SCORES.index("double match point")
    if 1 in (own, other):
        return SCORES.index("Crawford or after")
    return SCORES.index("even" if own == other else "ahead" if own < other else "behind")


def _key(name: str) -> str:
    return name.strip().casefold()


def _number(name: str, people: dict[str, int], names: list[str]) -> int:
    """The number of a player, a new one for a new name."""
    if _key(name) not in people:
        people[_key(name)] = len(names)
        names.append(name.strip())
    return people[_key(name)]
