"""A look inside a mixture: which expert takes which phase, the gate over a game, the load over training.

T positions of a game, E experts, P phases. Positions are candidates that were played, seen by the player who has just
moved.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from backgammon.learner.inputs.board_domain import BOARDS
from backgammon.learner.inputs.codes import expert_names
from backgammon.learner.net.mixture_evaluator import Asked, MixtureEvaluator
from backgammon.learner.net.scorer import Scorer
from backgammon.rules.board import START, Board, swap
from backgammon.rules.ending import has_won
from backgammon.rules.movegen import legal_candidates
from backgammon.rules.phase import PHASES, phase_codes
from backgammon.tools.arrays import Float64s, Int64s
from backgammon.tools.errors import ConfigError, DataError
from backgammon.tools.storage import read_bounded
from comparison_net.checkpoint import Model
from comparison_net.training.run_folder import MAX_LOG, RunFolder

Rates = Mapping[str, tuple[int, int]]
"""(agreed, decisions) by phase."""

SHOWN_EXPERTS = 3
"""Of a phase, in lines for a terminal."""
MAX_PLAYS = 400
"""A game of self-play is given up after so many plays."""


@dataclass(frozen=True, eq=False)
class Inspection:
    """What the picture shows.

    Attributes:
        name: of the model.
        router: its head, split and tokens in words.
        experts: names of the E experts.
        phase_shares: float64[P, E], mean share of each expert in the positions of a phase; NaN without a position.
        phase_counts: int64[P], positions of each phase.
        game: float64[T, E], shares along the first game.
        load: (step, load of the E experts) along the training; empty for a model without its run folder.
        agreement: rates of the model by phase, on its held-out decisions or on logs.
        dense: rates of the dense model to compare with; None without.
    """

    name: str
    router: str
    experts: tuple[str, ...]
    phase_shares: Float64s
    phase_counts: Int64s
    game: Float64s
    load: Sequence[tuple[int, Sequence[float]]] = ()
    agreement: Rates = field(default_factory=dict)
    dense: Rates | None = None

    def lines(self) -> list[str]:
        """Which experts take the positions of each phase, the busiest first, and agreement there, for a terminal."""
        lines = [f"{self.name}: {self.router}"]
        for name, count, shares in zip(PHASES, self.phase_counts.tolist(), self.phase_shares, strict=True):
            if not count:
                continue
            busiest = [e for e in np.argsort(-shares, kind="stable")[:SHOWN_EXPERTS].tolist() if shares[e] >= 0.005]
            taken = ", ".join(f"{self.experts[e]} {shares[e]:.0%}" for e in busiest)
            agreed, decisions = self.agreement.get(name, (0, 0))
            measured = f"; agreement {agreed / decisions:.3f} of {decisions:,}" if decisions else ""
            lines.append(f"  {name:18} {count:6,} positions to {taken}{measured}")
        return lines

    def as_dict(self) -> dict[str, Any]:
        """Plain lists and dictionaries for JSON."""
        by_phase = zip(PHASES, self.phase_counts.tolist(), self.phase_shares.tolist(), strict=True)
        return {
            "model": self.name,
            "router": self.router,
            "experts": list(self.experts),
            "phases": {name: {"positions": n, "shares": shares if n else None} for name, n, shares in by_phase},
            "game": self.game.round(4).tolist(),
            "load": [{"step": step, "load": list(load)} for step, load in self.load],
            "agreement": {name: list(rate) for name, rate in self.agreement.items()},
            "dense": None if self.dense is None else {name: list(rate) for name, rate in self.dense.items()},
        }


def inspect_model(model: Model, name: str, games: Sequence[Board], run: Path | None = None) -> Inspection:
    """Gate weights on positions, and what model and run folder tell.

    Args:
        model: a mixture.
        name: what the picture calls it.
        games: one int8[T, 26] a game, positions after each play, seen by the player who has just moved.
        run: its run folder, for the load over training.

    Raises:
        ConfigError: the model is dense, or there is no position.
    """
    network = model.network
    if not network.is_mixture or network.num_experts(BOARDS) == 1:
        raise ConfigError(f"{name}: has one expert for everything, there is no router to look at; train with --head")
    if not sum(len(game) for game in games):
        raise ConfigError("no positions to look at; name logs that hold plays")
    evaluator = MixtureEvaluator(network, model.weights)
    boards = np.concatenate(games)
    asked = Asked(positions_before(games), np.arange(len(boards))) if network.asks_decision else None
    shares = evaluator.shares(boards, asked).astype(np.float64)
    codes = phase_codes(boards)
    counts = np.bincount(codes, minlength=len(PHASES))
    by_phase = np.full((len(PHASES), network.num_experts(BOARDS)), np.nan)
    for code in np.flatnonzero(counts):
        by_phase[code] = shares[codes == code].mean(0)
    split = f", split by {network.split}" if network.head in ("phase", "phase-learned", "phase-merged") else ""
    split += f", by the {network.route_by}" if network.asks_decision else ""
    return Inspection(
        name=name,
        router=f"{network.head}{split}, tokens are {network.tokens}",
        experts=expert_names(network),
        phase_shares=by_phase,
        phase_counts=counts,
        game=shares[: len(games[0])],
        load=read_load(run) if run is not None else (),
        agreement=held_out_rates(model),
    )


def positions_before(games: Sequence[Board]) -> Board:
    """The position before each play of whole games, int8[T, 26] over all of them, seen by the player on roll."""
    return np.concatenate([np.concatenate([START[None], swap(game[:-1])]) for game in games if len(game)])


def read_load(run: Path) -> list[tuple[int, list[float]]]:
    """(step, load of each expert) from the log of a run folder; empty when there is none."""
    log = RunFolder(run).log
    if not log.exists():
        return []
    try:
        events = [json.loads(line) for line in read_bounded(log, MAX_LOG).splitlines()]
        return [(int(event["step"]), [float(part) for part in event["load"]]) for event in events if "load" in event]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f"{log}: damaged ({error}); remove it, and the picture goes without its curve") from error


def held_out_rates(model: Model) -> dict[str, tuple[int, int]]:
    """(agreed, decisions) by phase on the decisions that the training held out."""
    by_phase = model.summary.get("by_phase") or {}
    return {name: (int(agreed), int(total)) for name, (agreed, total) in by_phase.items()}


def play_games(scorer: Scorer, num_games: int, seed: int) -> list[Board]:
    """Games of a model against itself: int8[T, 26] each, positions after each play, seen by who has just moved."""
    rng = np.random.default_rng(seed)
    return [_play_game(scorer, rng) for _ in range(num_games)]


def _play_game(scorer: Scorer, rng: np.random.Generator) -> Board:
    board = START
    played: list[Board] = []
    for _ in range(MAX_PLAYS):
        dice = rng.integers(1, 7, size=(1, 2)).astype(np.int8)
        while not played and dice[0, 0] == dice[0, 1]:  # the opening roll is no double
            dice = rng.integers(1, 7, size=(1, 2)).astype(np.int8)
        row = int(scorer.choose(board[None], dice)[0])
        candidates, _ = legal_candidates(board[None], dice)
        played.append(candidates[row])
        if has_won(candidates[row : row + 1])[0]:
            break
        board = swap(candidates[row])
    return np.stack(played)
