"""Temporal differences: targets against the recursion game by game, and runs that go on where they stopped."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from backgammon.evaluation.bearoff import find_or_build
from backgammon.evaluation.exact import ExactEvaluator
from backgammon.evaluation.outcome import final_outcomes
from backgammon.learner.net.model_files import load_model, make_model
from backgammon.learner.net.scorer import Scorer
from backgammon.rules.board import START, swap
from backgammon.rules.movegen import legal_candidates
from comparison_net.checkpoint import Model, save_model
from comparison_net.config import TrainConfig
from comparison_net.network_config import NetworkConfig
from comparison_net.training.run_state import make_net
from scripts import learn_from_play
from scripts.learn_from_play import Turn, make_targets, play_games
from tests.board_nets import ENCODER

SHAPE = NetworkConfig(hidden=(16, 8), head="phase", outcomes=True, score_from="equity")


def fresh_model() -> Model:
    return make_model(SHAPE, make_net(TrainConfig(network=SHAPE), ENCODER).weights(), "", {})


@pytest.fixture(scope="module")
def turns() -> list[Turn]:
    engine = ExactEvaluator(Scorer(fresh_model(), "fresh"), find_or_build())
    return play_games(engine, engine, range(20), (0.0, 0.4), 8)


def naive_target(turns: list[Turn], game: int, number: int, trace: float) -> list[float]:
    """The target of the position after turn `number` of a game, for the player who has made it."""
    turn = turns[number + 1]
    row = turn.games.tolist().index(game)
    value = turn.values[row].tolist()
    beyond = value
    if not turn.is_over[row] and not turn.is_random[row]:
        beyond = naive_target(turns, game, number + 1, trace)
    mixed = [(1 - trace) * near + trace * far for near, far in zip(value, beyond, strict=True)]
    return mixed[3:] + mixed[:3]  # the player who moves next is the other one


@pytest.mark.parametrize("trace", [0.0, 0.7, 1.0])
def test_the_targets_are_those_of_the_recursion(turns: list[Turn], trace: float) -> None:
    afters, targets = make_targets(turns, trace)
    at = 0
    for number in reversed(range(len(turns))):
        turn = turns[number]
        for row in np.flatnonzero(~turn.is_over).tolist():
            assert (afters[at] == turn.afters[row]).all()
            assert targets[at] == pytest.approx(naive_target(turns, int(turn.games[row]), number, trace), abs=1e-5)
            at += 1
    assert at == len(afters)
    assert np.allclose(targets.sum(axis=1), 1, atol=1e-5)


def test_with_a_whole_trace_quiet_games_teach_their_results() -> None:
    engine = ExactEvaluator(Scorer(fresh_model(), "fresh"), find_or_build())
    turns = play_games(engine, engine, range(20), (0.0,), 9)
    won = {}
    for number, turn in enumerate(turns):
        for row in np.flatnonzero(turn.is_over).tolist():
            won[int(turn.games[row])] = number, final_outcomes(turn.afters[row : row + 1])[1][0].tolist()
    assert len(won) == 20
    _, targets = make_targets(turns, 1.0)
    at = 0
    for number in reversed(range(len(turns))):
        for game in turns[number].games[~turns[number].is_over].tolist():
            last, outcome = won[game]
            expected = outcome if (last - number) % 2 == 0 else outcome[3:] + outcome[:3]
            assert targets[at].tolist() == expected
            at += 1
    assert at == len(targets)


def test_games_follow_the_rules(turns: list[Turn]) -> None:
    for before, after in itertools.pairwise(turns[:5]):
        position = swap(before.afters[before.games.tolist().index(after.games[0])])
        rolls = np.array([[high, low] for high in range(1, 7) for low in range(1, high + 1)], dtype=np.int8)
        candidates, _ = legal_candidates(np.repeat(position[None], 21, axis=0), rolls)
        assert (candidates == after.afters[0]).all(axis=1).any()
    first, _ = legal_candidates(
        np.repeat(START[None], 15, axis=0),
        np.array([[high, low] for high in range(1, 7) for low in range(1, high)], dtype=np.int8),
    )
    assert all((first == board).all(axis=1).any() for board in turns[0].afters), "no double begins a game"
    for turn in turns:
        assert (final_outcomes(turn.afters)[0] == turn.is_over).all()


def learn(out: Path, start: Path, *options: str) -> Result:
    arguments = ["--start", str(start), "--out", str(out), "--games", "24", "--rounds", "20"]
    settings = ["--set", "batch_decisions=256", "--set", "learning_rate=0.003"]
    return CliRunner().invoke(learn_from_play.main, [*arguments, *settings, *options], catch_exceptions=False)


class Stop(Exception):
    """Stands for a machine that goes away."""


def test_an_interrupted_run_ends_with_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start = tmp_path / "start.safetensors"
    save_model(start, fresh_model())
    assert learn(tmp_path / "whole", start, "--set", "threads=1").exit_code == 0
    play = learn_from_play.Learner._play

    def play_a_while(self: learn_from_play.Learner, number: int):  # type: ignore[no-untyped-def]
        if number == 13:
            raise Stop
        return play(self, number)

    with monkeypatch.context() as patched:
        patched.setattr(learn_from_play.Learner, "_play", play_a_while)
        with pytest.raises(Stop):
            learn(tmp_path / "cut", start, "--set", "threads=2")
    assert learn(tmp_path / "cut", start, "--resume", "--set", "threads=2").exit_code == 0
    whole, cut = (load_model(tmp_path / name) for name in ("whole", "cut"))
    assert whole.weights.keys() == cut.weights.keys()
    for name, values in whole.weights.items():
        assert values.tobytes() == cut.weights[name].tobytes(), name
    started = load_model(start).weights["experts.outcome.weight"]
    assert not np.allclose(whole.weights["experts.outcome.weight"], started)


def refuses(result: Result, said: str) -> None:
    assert result.exit_code == 1
    assert said in result.stderr


def test_another_net_or_plan_does_not_go_on(tmp_path: Path) -> None:
    start = tmp_path / "start.safetensors"
    save_model(start, fresh_model())
    refuses(learn(tmp_path / "run", start, "--rounds", "1", "--resume"), "no run to resume")
    assert learn(tmp_path / "run", start, "--rounds", "1").exit_code == 0
    refuses(learn(tmp_path / "run", start, "--rounds", "1"), "holds a run already")
    refuses(learn(tmp_path / "run", start, "--rounds", "2", "--resume"), "other training data")
    refuses(learn(tmp_path / "small", start, "--set", "batch_decisions=8192"), "give more --games")
    other = dataclasses.replace(TrainConfig(network=SHAPE), seed=2)
    save_model(start, make_model(SHAPE, make_net(other, ENCODER).weights(), "", {}))
    refuses(learn(tmp_path / "run", start, "--rounds", "1", "--resume"), "other training data")
    by_score = dataclasses.replace(SHAPE, score_from="sum")
    weights = make_net(TrainConfig(network=by_score), ENCODER).weights()
    save_model(start, make_model(by_score, weights, "", {}))
    refuses(learn(tmp_path / "other", start), "does not rank by equity")
