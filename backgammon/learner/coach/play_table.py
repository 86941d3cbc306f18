"""Plays of people as arrays: who made which, with every alternative and what the engine says of it.

N unforced plays, M candidates of all of them together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from backgammon.evaluation.outcome import equities
from backgammon.learner.net.scorer import Scorer
from backgammon.records import read_logs
from backgammon.records.reading import Progress
from backgammon.rules.match import MatchScore
from backgammon.rules.movegen import legal_candidates
from backgammon.rules.phase import RACE, phase_codes
from backgammon.tools.arrays import Boards, Bools, Dice, Float32s, Int8s, Int64s, Offsets
from backgammon.tools.errors import DataError

SCORES: tuple[str, ...] = ("money", "even", "ahead", "behind", "Crawford or after", "double match point")
"""Kinds of match score, from the player on roll."""


@dataclass(frozen=True, eq=False)
class PlayTable:
    """Unforced plays in the order of the logs.

    Attributes:
        boards: int8[N, 26], seen by the player on roll.
        dice: int8[N, 2], larger first.
        chosen: int64[N], row of the play that was made, counted from the start of the decision.
        unit: int64[N], number of the match (in money sessions of the game).
        player: int64[N], number of the player in `players`.
        players: names as they were first written; case and blanks around do not matter.
        score: int8[N], index into `SCORES`.
        candidates: int8[M, 26], seen by the mover after the play.
        offsets: int64[N + 1].
        values: float32[M], score of the engine's net, ordinal within a decision.
        outcomes: float32[M, 6], for the mover.
    """

    boards: Boards
    dice: Dice
    chosen: Int64s
    unit: Int64s
    player: Int64s
    players: tuple[str, ...]
    score: Int8s
    candidates: Boards
    offsets: Offsets
    values: Float32s
    outcomes: Float32s

    def __len__(self) -> int:
        return len(self.boards)

    @property
    def owners(self) -> Int64s:
        """int64[M]: the decision of each candidate."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    @property
    def regrets(self) -> Float32s:
        """float32[M]: points of cubeless equity behind the decision's best, by the engine at 0-ply."""
        worth = equities(self.outcomes)
        return np.repeat(np.maximum.reduceat(worth, self.offsets[:-1]), np.diff(self.offsets)) - worth

    @property
    def chosen_rows(self) -> Int64s:
        """int64[N]: the play that was made, among all M candidates."""
        return self.offsets[:-1] + self.chosen

    @property
    def phases(self) -> Int8s:
        """int8[N]: codes of `rules.phase`."""
        return phase_codes(self.boards)

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
        rows = np.repeat(is_wanted, np.diff(self.offsets))
        offsets = np.concatenate([[0], np.cumsum(np.diff(self.offsets)[is_wanted])]).astype(np.int64)
        return PlayTable(
            self.boards[is_wanted],
            self.dice[is_wanted],
            self.chosen[is_wanted],
            self.unit[is_wanted],
            self.player[is_wanted],
            self.players,
            self.score[is_wanted],
            self.candidates[rows],
            offsets,
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
    parts: list[tuple[Boards, Dice, Int64s, Int64s, Int64s, Int8s]] = []
    for game in read_logs(paths, progress):
        is_free = game.num_candidates > 1
        if not is_free.any():
            continue
        numbers = [_number(name, people, names) for name in game.players]
        unit = units.setdefault(game.unit, len(units))
        seats = game.seats[is_free]
        kinds = np.array([score_kind(game.score, seat) for seat in (0, 1)], dtype=np.int8)
        parts.append(
            (
                game.boards[is_free],
                game.dice[is_free],
                game.chosen_rows[is_free],
                np.full(len(seats), unit, dtype=np.int64),
                np.array(numbers, dtype=np.int64)[seats],
                kinds[seats],
            )
        )
    if not parts:
        raise DataError("no unforced play in these logs: there is nothing to learn a player from")
    boards, dice, chosen, unit_codes, player, score = (np.concatenate(column) for column in zip(*parts, strict=True))
    return make_table(boards, dice, chosen, unit_codes, player, tuple(names), score, scorer)


def make_table(
    boards: Boards,
    dice: Dice,
    chosen: Int64s,
    unit: Int64s,
    player: Int64s,
    players: tuple[str, ...],
    score: Int8s,
    scorer: Scorer,
) -> PlayTable:
    """A table from its columns of N rows: the candidates are generated and judged here; see `PlayTable`."""
    boards = np.ascontiguousarray(boards)
    candidates, offsets = legal_candidates(boards, dice)
    values, outcomes = scorer.judge(candidates)
    return PlayTable(boards, dice, chosen, unit, player, players, score, candidates, offsets, values, outcomes)


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
