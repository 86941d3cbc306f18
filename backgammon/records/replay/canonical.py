"""Records rewritten in one dialect: every play in the text of `format_play`, whatever the writer's habits were.

So a BackgammonGalaxy log without hit marks, or a Snowie log with one die per leg, becomes one that every program reads.
What could not be replayed keeps the text of its writer.
"""

from __future__ import annotations

from dataclasses import replace

from backgammon.notation.grammar import parse_hops
from backgammon.notation.play_text import format_play
from backgammon.notation.readings import make_play, possible_readings, row_after
from backgammon.records.record.record import GameRecord, MatchRecord, RollAction
from backgammon.records.replay.replay import ReplayedGame, ReplayedMatch
from backgammon.records.replay.script import order_events
from backgammon.rules.decision import Decision
from backgammon.tools.errors import NotationError


def canonical_match(record: MatchRecord, replayed: ReplayedMatch) -> MatchRecord:
    """The same record with canonical plays; `replayed` is what `replay_match` made of it."""
    games = zip(record.games, replayed.games, strict=True)
    return replace(record, games=tuple(_rewrite(game, replayed) for game, replayed in games))


def _rewrite(game: GameRecord, replayed: ReplayedGame) -> GameRecord:
    """The game with new texts for the plays that were replayed."""
    rolls = order_events(game, has_cube=not replayed.score.is_crawford).rolls
    texts: dict[int, str] = {}  # by identity: equal rolls can occur twice in a game
    for turn, logged in zip(replayed.turns.tolist(), replayed.decisions(), strict=True):
        texts[id(rolls[turn])] = _play_text(rolls[turn].play, logged.decision)
    actions = tuple(
        replace(action, play=texts[id(action)]) if isinstance(action, RollAction) and id(action) in texts else action
        for action in game.actions
    )
    return replace(game, actions=actions)


def _play_text(text: str, decision: Decision) -> str:
    """Canonical text of the chosen candidate, reached the way that `text` says where that can be told."""
    try:
        for reading in possible_readings(parse_hops(text), decision):
            if row_after(reading.steps, decision) == decision.chosen:
                return format_play(make_play(reading.steps, decision))
    except NotationError:
        pass  # a dialect that only the log reader knows
    return format_play(decision.play_of(decision.chosen or 0))
