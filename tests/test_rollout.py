"""Rollouts: exact where the truth is known, unbiased with and without luck, repeatable, resumable."""

from __future__ import annotations

import collections
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backgammon.evaluation.bearoff import Bearoff, find_or_build
from backgammon.evaluation.evaluator import Evaluator, Judgement
from backgammon.evaluation.exact import ExactEvaluator
from backgammon.evaluation.outcome import Outcomes
from backgammon.rules.board import START, Board, Position
from backgammon.rules.decision import Decision
from backgammon.search import (
    RankedCandidate,
    Ranker,
    RolloutEstimate,
    RolloutSettings,
    RolloutUnit,
    Searcher,
    SearchSettings,
    Workshop,
    play_games,
    rank_rolled,
    roll_out_candidates,
)
from backgammon.search.rollout import GameDice, stratified_error
from backgammon.tools.arrays import Boards, Dice, Int8s
from backgammon.tools.errors import ConfigError, DataError
from tests.evaluators import NoEvaluator, PipEvaluator
from tests.test_bearoff import make_board
from tests.test_search import FirstRow

AFTER = make_board({6: 2, 5: 1, 3: 1, 1: 1}, {6: 1, 4: 2, 2: 1, 1: 1})
"""Five checkers against five, the opponent on roll: in the two-sided table."""


class TablePlayer(Evaluator):
    """Plays and judges by the tables, but is no `ExactEvaluator`: its games are played to the end."""

    name = "tables"

    def __init__(self, tables: Bearoff) -> None:
        self._engine = ExactEvaluator(NoEvaluator(), tables)

    def judge(self, boards: Boards) -> Judgement:
        return Judgement(None, self._engine.outcomes(boards))


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Bearoff:
    return find_or_build(directory=tmp_path_factory.mktemp("bearoff"))


def exact_equity(tables: Bearoff, after: Board) -> float:
    return float(RolloutEstimate(ExactEvaluator(NoEvaluator(), tables).outcomes(after[None])).equity)


def settings(**changes: Any) -> RolloutSettings:
    """Plain rollouts, to the end and with all their games, where nothing else is said."""
    plain = {"games": 1296, "horizon": None, "luck_turns": 0, "round_games": 432, "max_error": None}
    return RolloutSettings(**{**plain, **changes})


def estimate(player: Evaluator, after: Board, changes: RolloutSettings, **others: Any) -> RolloutEstimate:
    return RolloutEstimate(play_games(player, after, np.arange(changes.games), changes, **others))


# Dice


def test_first_and_second_rolls_are_stratified() -> None:
    dice = GameDice(3)
    games = np.arange(3 * 1296)
    first, second = dice.throw(games, 0), dice.throw(games, 1)

    def counts(throws: Int8s) -> list[int]:
        return sorted(collections.Counter(map(tuple, throws.tolist())).values())

    for start in range(0, len(games), 36):
        assert counts(first[start : start + 36]) == [1] * 6 + [2] * 15
        assert counts(second[start : start + 36]) == [1] * 6 + [2] * 15
    for cycle in range(3):
        both = np.concatenate([first, second], axis=1)[1296 * cycle :][:1296]
        assert counts(both) == sorted(a * b for a in [1] * 6 + [2] * 15 for b in [1] * 6 + [2] * 15)
    assert (first[:, 0] >= first[:, 1]).all()


def test_dice_depend_on_seed_game_and_turn_only() -> None:
    games = np.array([5, 1300, 7])
    for turn in range(4):
        together = GameDice(1).throw(games, turn)
        alone = [GameDice(1).throw(games[i : i + 1], turn)[0].tolist() for i in range(3)]
        assert together.tolist() == alone
    many = np.arange(200)
    assert GameDice(1).throw(many, 5).tolist() != GameDice(2).throw(many, 5).tolist()


# Truth


def test_games_to_the_end_agree_with_the_exact_equity(tables: Bearoff) -> None:
    found = estimate(TablePlayer(tables), AFTER, settings())
    assert 0 < found.standard_error < 0.03
    assert abs(found.equity - exact_equity(tables, AFTER)) < 4 * found.standard_error
    assert set(np.unique(found.games)) == {0.0, 1.0}


def test_the_tables_of_an_engine_end_the_games(tables: Bearoff) -> None:
    found = estimate(ExactEvaluator(NoEvaluator(), tables), AFTER, settings())
    assert found.equity == pytest.approx(exact_equity(tables, AFTER), abs=1e-6)
    assert found.standard_error < 1e-6


def test_luck_by_a_perfect_judge_leaves_no_variance(tables: Bearoff) -> None:
    found = estimate(TablePlayer(tables), AFTER, settings(games=72, luck_turns=None))
    np.testing.assert_allclose(found.equities, exact_equity(tables, AFTER), atol=1e-5)


def test_luck_by_a_poor_judge_is_unbiased_and_still_reduces_variance(tables: Bearoff) -> None:
    player = TablePlayer(tables)
    plain = estimate(player, AFTER, settings())
    found = estimate(player, AFTER, settings(luck_turns=None), judge=PipEvaluator())
    assert abs(found.equity - exact_equity(tables, AFTER)) < 4 * found.standard_error
    assert found.equities.var() < 0.7 * plain.equities.var()
    np.testing.assert_allclose(found.games.sum(axis=1), 1, atol=1e-4)


def test_luck_and_plain_rollouts_agree_from_the_starting_position(tables: Bearoff) -> None:
    engine = ExactEvaluator(PipEvaluator(), tables)
    plain = estimate(engine, START, settings(games=360))
    lucky = estimate(engine, START, settings(games=72, luck_turns=None))
    joint = (plain.standard_error**2 + lucky.standard_error**2) ** 0.5
    assert abs(plain.equity - lucky.equity) < 4 * joint


def test_a_horizon_of_one_ply_is_the_search_of_one_ply() -> None:
    found = estimate(PipEvaluator(), START, settings(games=36, horizon=1))
    expected = Searcher(PipEvaluator(), SearchSettings(1)).outcomes(START[None])[0]
    np.testing.assert_allclose(found.outcomes, expected, atol=1e-6)
    deeper = estimate(PipEvaluator(), START, settings(games=1296, horizon=2))
    expected = Searcher(PipEvaluator(), SearchSettings(2)).outcomes(START[None])[0]
    np.testing.assert_allclose(deeper.outcomes, expected, atol=1e-6)


def test_with_luck_subtracted_on_every_turn_a_short_horizon_has_no_variance() -> None:
    found = estimate(PipEvaluator(), START, settings(games=72, horizon=1, luck_turns=None))
    assert found.standard_error < 1e-6


def test_luck_by_poor_replies_has_mean_zero_and_the_plays_stay_the_best(tables: Bearoff) -> None:
    engine = ExactEvaluator(PipEvaluator(), tables, FirstRow())
    plain = estimate(engine, START, settings(games=36, horizon=1))
    lucky = estimate(engine, START, settings(games=36, horizon=1, luck_turns=None))
    assert plain.games.tobytes() != lucky.games.tobytes()
    np.testing.assert_allclose(lucky.outcomes, plain.outcomes, atol=1e-6)
    np.testing.assert_allclose(
        plain.outcomes, Searcher(PipEvaluator(), SearchSettings(1)).outcomes(START[None])[0], atol=1e-6
    )


def test_a_finished_game_rolls_out_to_its_result() -> None:
    over = np.zeros(26, dtype=np.int8)
    over[3] = -15
    assert estimate(PipEvaluator(), over, settings(games=36)).equity == 3


# Errors


def test_the_error_counts_what_varies_within_the_strata() -> None:
    values = np.tile(np.arange(36.0), 10)
    assert stratified_error(values) == 0
    rng = np.random.default_rng(1)
    noise = rng.normal(size=36 * 200)
    assert stratified_error(noise) == pytest.approx(1 / len(noise) ** 0.5, rel=0.05)
    assert stratified_error(noise[:36]) == pytest.approx(noise[:36].std(ddof=1) / 6)


def test_settings_out_of_range_are_refused() -> None:
    wrong = [
        {"games": 100},
        {"round_games": 0},
        {"seed": -1},
        {"horizon": 0},
        {"cube_horizon": 0},
        {"luck_turns": -1},
        {"lead": 0.0},
    ]
    for changes in [*wrong, {"max_error": -1.0}]:
        with pytest.raises(ConfigError):
            RolloutSettings(**changes)  # type: ignore[arg-type]
    with pytest.raises(ConfigError):
        Workshop(PipEvaluator(), settings(), threads=0)


# Work units


def test_a_game_is_the_same_in_whatever_unit_it_is_played() -> None:
    chosen = settings(games=72, horizon=6, luck_turns=3)
    whole = play_games(PipEvaluator(), START, np.arange(72), chosen)
    halves = [play_games(PipEvaluator(), START, np.arange(72)[part::2], chosen) for part in (0, 1)]
    assert whole[0::2].tobytes() == halves[0].tobytes()
    assert whole[1::2].tobytes() == halves[1].tobytes()


def units() -> list[RolloutUnit]:
    return [RolloutUnit(START.tobytes(), first, 36) for first in (0, 36, 72, 108)]


def test_the_number_of_workers_changes_no_bit(tmp_path: Path) -> None:
    chosen = settings(horizon=4)
    alone = Workshop(PipEvaluator(), chosen).results(units())
    together = Workshop(PipEvaluator(), chosen, threads=3, folder=tmp_path).results(units())
    assert [result.tobytes() for result in alone] == [result.tobytes() for result in together]


class Interrupting(PipEvaluator):
    """Ctrl-C after some plays."""

    def __init__(self, calls: int) -> None:
        self.calls = calls

    def play_best(self, boards: Boards, dice: Dice) -> tuple[Board, Outcomes]:
        self.calls -= 1
        if self.calls < 0:
            raise KeyboardInterrupt
        return super().play_best(boards, dice)


@pytest.mark.parametrize("threads", [1, 2])
def test_an_interrupted_run_keeps_what_was_finished_and_goes_on_there(tmp_path: Path, threads: int) -> None:
    chosen = settings(horizon=4)
    with pytest.raises(KeyboardInterrupt):
        Workshop(Interrupting(10), chosen, threads=threads, folder=tmp_path).results(units())
    assert 1 <= len(list(tmp_path.iterdir())) <= 3
    assert not list(tmp_path.glob(".*"))
    plays = Interrupting(16 - 4 * len(list(tmp_path.iterdir())))
    resumed = Workshop(plays, chosen, folder=tmp_path).results(units())
    assert plays.calls == 0, "only what was missing was played"
    expected = Workshop(PipEvaluator(), chosen).results(units())
    assert [result.tobytes() for result in resumed] == [result.tobytes() for result in expected]
    again = Workshop(Interrupting(0), chosen, folder=tmp_path).results(units())
    assert [result.tobytes() for result in again] == [result.tobytes() for result in expected]


def test_a_unit_is_named_by_everything_that_changes_its_result() -> None:
    unit = RolloutUnit(START.tobytes(), 0, 36)
    other = Interrupting(0)
    other.name = "other"
    shops = [
        Workshop(PipEvaluator(), settings()),
        Workshop(PipEvaluator(), settings(seed=2)),
        Workshop(PipEvaluator(), settings(horizon=3)),
        Workshop(PipEvaluator(), settings(luck_turns=1)),
        Workshop(PipEvaluator(), settings(stops_at_races=False)),
        Workshop(other, settings()),
        Workshop(PipEvaluator(), settings(), judge=other),
    ]
    names = [shop.unit_name(unit) for shop in shops]
    names += [
        shops[0].unit_name(RolloutUnit(START.tobytes(), 36, 36)),
        shops[0].unit_name(RolloutUnit(AFTER.tobytes(), 0, 36)),
    ]
    assert len(set(names)) == len(names)
    same = Workshop(PipEvaluator(), settings(games=36, round_games=36, lead=None, max_error=1.0), threads=2)
    assert same.unit_name(unit) == names[0]


def test_a_damaged_result_is_refused(tmp_path: Path) -> None:
    shop = Workshop(PipEvaluator(), settings(horizon=2), folder=tmp_path)
    shop.results(units()[:2])
    one, two = (tmp_path / f"{shop.unit_name(unit)}.result" for unit in units()[:2])
    content = one.read_bytes()
    for damaged in (content[:-1] + bytes([content[-1] ^ 1]), content[:40], b"", two.read_bytes()):
        one.write_bytes(damaged)
        with pytest.raises(DataError, match="run again"):
            shop.results(units()[:2])


# Contests


def test_a_contest_stops_when_one_candidate_is_clearly_ahead(tables: Bearoff) -> None:
    ahead, behind = make_board({1: 2}, {6: 3}), make_board({6: 3}, {1: 2})
    calls: list[int] = []
    shop = Workshop(TablePlayer(tables), settings(round_games=72))
    found = roll_out_candidates([np.stack([behind, ahead, AFTER])], shop, lambda: calls.append(1))[0]
    assert found[1].equity == max(one.equity for one in found)
    assert len(found[0].games) == 72
    assert len(calls) < 3 * 18
    whole = roll_out_candidates([np.stack([behind, ahead])], Workshop(TablePlayer(tables), settings(lead=None)))[0]
    assert [len(one.games) for one in whole] == [1296, 1296]


def test_a_contest_stops_at_the_wanted_error(tables: Bearoff) -> None:
    shop = Workshop(TablePlayer(tables), settings(round_games=72, max_error=0.05, lead=None))
    (found,) = roll_out_candidates([AFTER[None]], shop)[0]
    assert found.standard_error <= 0.05
    assert RolloutEstimate(found.games[:-72]).standard_error > 0.05


def test_a_lone_candidate_is_rolled_out_for_one_round_where_a_search_told_the_others_apart(tables: Bearoff) -> None:
    shop = Workshop(TablePlayer(tables), settings(round_games=72))
    told, lone = roll_out_candidates([AFTER[None], AFTER[None]], shop, others=[3, 0])
    assert (len(told[0].games), len(lone[0].games)) == (72, 1296)
    assert lone[0].games[:72].tobytes() == told[0].games.tobytes()
    without = Workshop(TablePlayer(tables), settings(round_games=72, lead=None))
    (whole,) = roll_out_candidates([AFTER[None]], without, others=[3])
    assert len(whole[0].games) == 1296


def test_a_contest_of_several_stops_when_their_differences_are_known(tables: Bearoff) -> None:
    one, other = make_board({6: 2, 5: 1}, {6: 2, 5: 1}), make_board({6: 2, 4: 1}, {6: 2, 5: 1})
    shop = Workshop(TablePlayer(tables), settings(round_games=72, max_error=0.04, lead=None))
    first, second = roll_out_candidates([np.stack([one, other])], shop)[0]
    assert len(first.games) == len(second.games) < 1296
    assert first.joint_error(second) <= 0.04
    shorter = RolloutEstimate(first.games[:-72]), RolloutEstimate(second.games[:-72])
    assert shorter[0].joint_error(shorter[1]) > 0.04


def test_the_defaults_tell_plays_apart_by_few_games(tables: Bearoff) -> None:
    assert (RolloutSettings().horizon, RolloutSettings().cube_horizon) == (7, 11)
    assert RolloutSettings().luck_turns is None
    settled = RolloutSettings(games=144)
    old = RolloutSettings(games=144, horizon=None, luck_turns=2)
    engine = ExactEvaluator(PipEvaluator(), tables)
    assert estimate(engine, START, settled).standard_error < 0.5 * estimate(engine, START, old).standard_error


def test_candidates_share_their_dice(tables: Bearoff) -> None:
    same = roll_out_candidates([np.stack([AFTER, AFTER])], Workshop(TablePlayer(tables), settings()))[0]
    assert same[0].joint_error(same[1]) == 0
    assert same[0].games.tobytes() == same[1].games.tobytes()


def test_a_decision_without_candidates_is_refused() -> None:
    with pytest.raises(ConfigError):
        roll_out_candidates([AFTER[None][:0]], Workshop(PipEvaluator(), settings()))


def rolled(*games: float) -> RolloutEstimate:
    """72 games that win so many points each, one number for every 36 of them: no spread but between the two."""
    rows = np.zeros((72, 6), dtype=np.float32)
    rows[:, 0] = 0.5 + np.repeat(games, 72 // len(games)) / 2
    rows[:, 3] = 1 - rows[:, 0]
    return RolloutEstimate(rows)


def candidate(row: int, equity: float, margin: float) -> RankedCandidate:
    return RankedCandidate(row, equity, np.zeros(6, dtype=np.float32), 2, margin)


def test_who_was_given_up_is_placed_by_what_he_was_behind() -> None:
    best, given_up = rolled(0.1, 0.3), RolloutEstimate(rolled(0.05).games[:36])
    ranked = rank_rolled([candidate(0, 0.3, 0.0), candidate(1, 0.2, 0.1)], [given_up, best])
    assert [one.row for one in ranked] == [1, 0]
    assert ranked[0].equity == pytest.approx(0.2)
    assert ranked[1].margin == pytest.approx(0.05, abs=1e-6), "over the 36 games of both, where the best won .1"
    assert ranked[1].equity == pytest.approx(0.15)
    assert [one.equity for one in ranked] == sorted((one.equity for one in ranked), reverse=True)


def test_a_play_loses_only_what_its_rollout_cannot_explain() -> None:
    def loss(searched: float, margin: float, error: float) -> float:
        one = replace(candidate(1, 0.0, margin), standard_error=error, joint_error=error, searched_margin=searched)
        return one.loss

    assert loss(0.0, 0.03, 0.02) == 0, "within the interval: no error"
    assert loss(0.0, 0.05, 0.01) == pytest.approx(0.05 - 1.96 * 0.01, abs=1e-5), "what exceeds it"
    assert loss(0.02, 0.03, 0.02) == 0.02, "the search's verdict stands"
    assert loss(0.2, 0.03, 0.01) == pytest.approx(0.03 + 1.96 * 0.01, abs=1e-5), "as far as the rollout allows"
    assert candidate(1, 0.0, 0.04).loss == 0.04
    assert candidate(1, 0.0, -0.01).loss == 0


def test_the_analysis_of_a_decision_by_rollout() -> None:
    decision = Decision.make(Position.start(), (3, 1))
    chosen = RolloutSettings(games=72, round_games=72, horizon=3)
    searcher = Searcher(PipEvaluator(), SearchSettings(1, "tiny"))
    ranked = Ranker(searcher, Workshop(PipEvaluator(), chosen)).rank_one(decision)
    assert sorted(candidate.row for candidate in ranked) == list(range(16))
    rolled = [candidate for candidate in ranked if candidate.games]
    assert 1 <= len(rolled) <= 5
    assert ranked[: len(rolled)] == rolled
    assert all(one.half_width == pytest.approx(1.96 * (one.standard_error or 0), rel=1e-4) for one in rolled)
    assert all(candidate.standard_error is not None for candidate in rolled)
    assert ranked[0].margin == 0
    assert [candidate.equity for candidate in rolled] == sorted((one.equity for one in rolled), reverse=True)
