"""A net learns the chances of the outcomes from its own games, by temporal differences, TD(lambda).

    python -m scripts.learn_from_play --start MODEL --out RUN [--rounds 500] [--trace 0.7] [--set learning_rate=0.001]

A net that has learnt nothing but which candidate an expert prefers cannot look ahead: for that it must know what a
position is worth. Single results are a poor teacher (one game says +-1, with a deviation of 1.3 points); what the net
itself says a few plies later in its own game says nearly as much without that noise. So round by round:

* `--games` games are played to the end, with random plays as in `pairgammon self-play`. The preferred candidate is the
  one with the best equity; in the first `--led` rounds it is that of the net named by `--guide`.
* Every position after a play has a target: a share of 1 - trace what the net says after the next play, the rest what is
  the target there; the game's end and the bear-off tables are certain. Where the next play is a random one, it is what
  the net says of the play that it would have made.
* One pass over these positions, in random order, moves the net. What plays is the average over the last steps.

The order of preference has no part in it: MODEL must rank by its outcomes' equity (`scripts.resize --score-from equity`
makes one of any net). The games are functions of (seed, round) and of the net, the state is saved as it goes, and the
same command with --resume goes on after an interruption.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np

from backgammon.evaluation.bearoff import Bearoff, find_or_build
from backgammon.evaluation.exact import ExactEvaluator
from backgammon.evaluation.outcome import Outcomes, swap_outcomes
from backgammon.learner.data.comparisons import known_outcomes
from backgammon.learner.data.decision_shards import pack_outcomes
from backgammon.learner.inputs.board_domain import BOARDS
from backgammon.learner.net.model_files import load_model, make_model
from backgammon.learner.net.scorer import Scorer, load_scorer
from backgammon.learner.training.board_encoder import BoardEncoder
from backgammon.rules.decisions import Decisions
from backgammon.table.noisy_games import play_noisy_games
from backgammon.tools.arrays import Boards, Bools, Int64s
from comparison_net.checkpoint import Model, save_model
from comparison_net.choices import ChoiceSets
from comparison_net.config import TrainConfig, load_config
from comparison_net.tools import ConfigError
from comparison_net.training.loop import learning_rate
from comparison_net.training.run_folder import RunFolder
from comparison_net.training.run_state import RunState
from comparison_net.training.step import Stepper
from scripts.program import program

PART = 4096
"""Positions of a part of a step, see `step.PART_CANDIDATES`."""
RECIPE = Path(__file__).resolve().parent / "recipes" / "default.toml"


class Turn(NamedTuple):
    """One turn of all games that are in play.

    Attributes:
        games: int64[S], which they are.
        afters: int8[S, 26], the positions after the plays that were made.
        values: float32[S, 6], outcomes of the preferred plays for the player who moves.
        is_random: bool[S], another play than the preferred one may have been made.
        is_over: bool[S]
    """

    games: Int64s
    afters: Boards
    values: Outcomes
    is_random: Bools
    is_over: Bools


def play_games(
    player: ExactEvaluator, judge: ExactEvaluator, numbers: range, noise: Sequence[float], seed: int
) -> list[Turn]:
    """Some games from the start to the end, in lockstep.

    Args:
        player: chooses for both sides.
        judge: says what the plays are worth.
        numbers: of the games.
        noise: shares of random plays, taken in turn game by game.
        seed: of dice and random plays.
    """
    values: list[Outcomes] = []

    def choose(decisions: Decisions) -> Int64s:
        rows = player.choose(decisions.boards, decisions.dice)
        values.append(judge.outcomes(decisions.choosing(rows).afters))
        return rows

    turns: list[Turn] = []
    for turn in play_noisy_games(choose, numbers, noise, seed):
        games = turn.decisions.unit - numbers.start
        turns.append(Turn(games, turn.afters, values.pop(), turn.is_random, turn.is_over))
    return turns


def make_targets(turns: list[Turn], trace: float) -> tuple[Boards, Outcomes]:
    """Positions int8[K, 26] after a play, and the outcomes float32[K, 6] that the net should give them.

    Both are seen by the player who has just moved; games that are over are left out.

    Args:
        turns: whole games, as `play_games` makes them.
        trace: lambda of TD(lambda), 0 to 1: how much of a target comes from beyond the next play.
    """
    num_games = len(turns[0].games)
    following = np.zeros((num_games, 6), dtype=np.float32)  # by game: what the next turn says, for its player
    afters, targets = [], []
    for turn in reversed(turns):
        goes_on = ~turn.is_over
        target = swap_outcomes(following[turn.games])
        afters.append(turn.afters[goes_on])
        targets.append(target[goes_on])
        beyond = np.where((turn.is_random | turn.is_over)[:, None], turn.values, target)
        following[turn.games] = np.float32(1 - trace) * turn.values + np.float32(trace) * beyond
    return np.concatenate(afters), np.concatenate(targets)


def in_parts(afters: Boards, targets: Outcomes) -> list[ChoiceSets]:
    """Positions as forced decisions, PART of them in each: nothing to compare, outcomes to learn."""
    packed = pack_outcomes(targets)
    parts = []
    for start in range(0, len(afters), PART):
        boards = np.ascontiguousarray(afters[start : start + PART])
        offsets = np.arange(len(boards) + 1)
        chosen = np.zeros(len(boards), dtype=np.int64)
        unknown = np.zeros((len(boards), 6), dtype=np.float32)
        outcomes = known_outcomes(packed[start : start + PART], unknown, offsets, chosen)
        parts.append(ChoiceSets(boards, offsets, chosen, boards, outcomes=outcomes))
    return parts


@dataclasses.dataclass(frozen=True)
class Plan:
    """What decides the finished weights beside the configuration."""

    start: str
    rounds: int
    games: int
    trace: float
    noise: tuple[float, ...]
    guide: str | None
    led: int

    def fingerprint(self) -> str:
        """Tells a run from any other: the plan, with the nets themselves in the place of their paths."""
        nets = {
            name: load_scorer(path).identity for name, path in (("start", self.start), ("guide", self.guide)) if path
        }
        return hashlib.sha256(json.dumps(dataclasses.asdict(self) | nets, sort_keys=True).encode()).hexdigest()


class Learner:
    """A run."""

    def __init__(self, plan: Plan, config: TrainConfig, folder: RunFolder, stepper: Stepper, tables: Bearoff) -> None:
        """Start from the plan's model, or go on from the folder's state."""
        self._plan = plan
        self._config = config
        self._folder = folder
        self._stepper = stepper
        self._tables = tables
        self._state = RunState(config, BoardEncoder())
        self._fingerprint = plan.fingerprint()
        if folder.state.exists():
            self._state.load(folder.state, self._fingerprint)
        else:
            self._state.go_on_from(Path(plan.start))
        self._guide = ExactEvaluator(load_scorer(plan.guide, stepper.num_workers), tables) if plan.guide else None

    def run(self) -> None:
        """The rounds that are left, with a line for each."""
        progress = self._state.progress
        self._folder.rewind_log(progress.step)
        while progress.epoch < self._plan.rounds:
            began = time.monotonic()
            afters, targets = self._play(progress.epoch)
            played = time.monotonic()
            loss = self._learn(afters, targets, progress.epoch)
            ended = time.monotonic()
            progress.epoch += 1
            progress.history.append({"positions": len(afters), "loss": loss})
            num_positions = self._num_positions()
            self._folder.log_event("round", progress.step, round=progress.epoch, positions=num_positions, loss=loss)
            rates = [len(afters) / seconds / 1000 for seconds in (played - began, ended - played)]
            print(
                f"round {progress.epoch} of {self._plan.rounds}: {num_positions:,d} positions, loss {loss:.4f}, "
                f"played {rates[0]:.0f} and learnt {rates[1]:.0f} thousand positions/s",
                flush=True,
            )
            if progress.epoch % 10 == 0 or progress.epoch == self._plan.rounds:
                self._save()

    def _num_positions(self) -> int:
        return sum(entry["positions"] for entry in self._state.progress.history)

    def _model(self) -> Model:
        weights = self._state.result().weights()
        summary = {"rounds": self._state.progress.epoch, "positions": self._num_positions()}
        return make_model(self._config.network, weights, self._fingerprint, summary)

    def _save(self) -> None:
        model = self._model()
        save_model(self._folder.model, model)
        self._state.best = dict(model.weights)  # games have no held-out figure: the last round is the best
        self._state.save(self._folder.state, self._fingerprint)

    def _play(self, number: int) -> tuple[Boards, Outcomes]:
        """Positions of a round's games and their targets, in random order."""
        judge = ExactEvaluator(Scorer(self._model(), "learner", self._stepper.num_workers), self._tables)
        guide = self._guide if number < self._plan.led else None
        numbers = range(number * self._plan.games, (number + 1) * self._plan.games)
        turns = play_games(guide or judge, judge, numbers, self._plan.noise, self._config.seed)
        afters, targets = make_targets(turns, self._plan.trace)
        order = np.random.default_rng([self._config.seed, number]).permutation(len(afters))
        return afters[order], targets[order]

    def _learn(self, afters: Boards, targets: Outcomes, number: int) -> float:
        """One pass over the positions; gives the mean loss."""
        config, state = self._config, self._state
        size = config.batch_decisions
        starts = range(0, len(afters) - size + 1, size)  # what is left over is less than a batch
        if not starts:
            raise ConfigError(f"{len(afters)} positions in a round are less than a batch of {size}; give more --games")
        total_steps = self._plan.rounds * len(starts)
        losses = []
        for place, start in enumerate(starts):
            batch = slice(start, start + size)
            parts = in_parts(afters[batch], targets[batch])
            rate = learning_rate(config, number * len(starts) + place, total_steps)
            losses.append(self._stepper.train_on(state.net, state.optimizer, parts, rate))
            state.progress.step += 1
            state.update_average()
        mean = float(np.mean(losses)) / config.outcome_weight
        if not np.isfinite(mean):
            raise ConfigError(f"the loss is {mean} in round {number + 1}; lower learning_rate ({config.learning_rate})")
        return mean


@program(__doc__)
@click.option("--start", required=True, help="A model file or run folder that ranks by equity.")
@click.option("--out", required=True, type=click.Path(path_type=Path))
@click.option("--rounds", default=500, show_default=True, type=click.IntRange(min=1))
@click.option("--games", default=4096, show_default=True, type=click.IntRange(min=1), help="Of a round.")
@click.option("--trace", default=0.7, show_default=True, type=click.FloatRange(0, 1))
@click.option(
    "--random", "noise", multiple=True, default=(0.0, 0.02, 0.1, 0.3), show_default=True, type=click.FloatRange(0, 1)
)
@click.option("--guide", help="A model file or run folder that chooses the plays of the first rounds.")
@click.option("--led", default=0, type=click.IntRange(min=0), help="How many rounds.")
@click.option("--resume", is_flag=True)
@click.option("--set", "settings", multiple=True, help="A setting of the training.")
def main(
    start: str,
    out: Path,
    rounds: int,
    games: int,
    trace: float,
    noise: tuple[float, ...],
    guide: str | None,
    led: int,
    resume: bool,
    settings: tuple[str, ...],
) -> None:
    """Read the options, and learn."""
    if bool(guide) != (led > 0):
        raise ConfigError("--guide says who leads, --led for how many rounds: give both or neither")
    plan = Plan(start, rounds, games, trace, noise, guide, led)
    network = load_model(Path(start)).network
    if network.score_from != "equity":
        raise ConfigError(f"{start}: does not rank by equity; `scripts.resize --score-from equity` first")
    config = load_config(RECIPE, ["loss=listwise", "epochs=1", "batch_decisions=8192", *settings], BOARDS)
    config = dataclasses.replace(config, network=network, sampled_candidates=0)
    folder = RunFolder(out)
    if resume:
        folder.stored_config(BOARDS, config)
    else:
        folder.start(config, BOARDS)
    with Stepper(None, config) as stepper:
        Learner(plan, config, folder, stepper, find_or_build()).run()


if __name__ == "__main__":
    main()
