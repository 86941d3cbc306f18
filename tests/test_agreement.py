from __future__ import annotations

import json
from itertools import pairwise
from math import isnan
from pathlib import Path

import numpy as np
import pytest

from backgammon.analysis.agreement import (
    TESAURO_TABLE_1,
    AgreementCounter,
    chosen_ranks,
    measure_agreement,
)
from backgammon.evaluation.evaluator import Evaluator, Judgement
from backgammon.evaluation.player import PipCountPlayer, RandomPlayer
from backgammon.records import ReplayedGame, read_logs, write_mat
from backgammon.rules.board import pip_counts
from backgammon.rules.phase import PHASES
from backgammon.table.session import Session, play_session
from backgammon.tools.arrays import Boards


def test_rank_counts_better_candidates_and_earlier_equal_ones() -> None:
    scores = np.array([3.0, 1.0, 3.0, 2.0, 5.0, 5.0])
    offsets = np.array([0, 4, 6])
    assert [int(chosen_ranks(scores, offsets, np.array([row, 1]))[0]) for row in range(4)] == [1, 4, 2, 3]
    assert chosen_ranks(scores, offsets, np.array([0, 1])).tolist() == [1, 2]


def test_rank_one_is_the_row_that_argmax_gives() -> None:
    rng = np.random.default_rng(5)
    sizes = rng.integers(1, 25, 300)
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    scores = rng.integers(0, 5, offsets[-1]).astype(np.float32)
    chosen = np.array([scores[a:b].argmax() for a, b in pairwise(offsets)])
    assert (chosen_ranks(scores, offsets, chosen) == 1).all()


def count_example() -> AgreementCounter:
    counter = AgreementCounter()
    other, race = PHASES.index("other"), PHASES.index("race")
    counter.add(
        ranks=np.array([1, 2, 1, 5]),
        sizes=np.array([10, 4, 1, 20]),
        phases=np.array([other, other, other, race]),
        players=["ann", "bob", "ann", "ann"],
        units=["m1", "m1", "m1", "m2"],
    )
    counter.add(np.array([1]), np.array([2]), np.array([race]), ["bob"], ["m2"])
    return counter


def test_forced_plays_are_counted_and_left_out() -> None:
    counter = count_example()
    report = counter.report()
    assert counter.decisions == report.overall.decisions == 4
    assert report.forced == 1
    assert report.overall.top1.value == 0.5
    assert report.overall.top3.value == 0.75
    assert report.overall.mean_rank.value == pytest.approx(9 / 4)
    assert report.overall.chance == pytest.approx((0.1 + 0.25 + 0.05 + 0.5) / 4)


def test_groups_by_phase_in_order_and_by_player_most_decisions_first() -> None:
    report = count_example().report()
    assert [(row.name, row.decisions, row.matches) for row in report.by_phase] == [("other", 2, 1), ("race", 2, 1)]
    assert [(row.name, row.decisions, row.matches) for row in report.by_player] == [("ann", 2, 2), ("bob", 2, 2)]
    assert report.by_player[1].top1.value == 0.5


def test_report_as_json_has_tesauro_beside_his_phases_only() -> None:
    rows = json.loads(json.dumps(count_example().report().as_dict()))["by_phase"]
    assert rows[0]["tesauro_1988"] == {"relative_score": 0.58, "comparison": 0.65}
    assert rows[1]["tesauro_1988"] is None


class PipScorer(Evaluator):
    """Prefers few own pips: a scorer that needs no file."""

    def judge(self, boards: Boards) -> Judgement:
        own, opponent = pip_counts(boards)
        return Judgement((opponent - own).astype(np.float32), None)


def replayed_games(tmp_path: Path) -> list[ReplayedGame]:
    session = Session(("pipcount", "random"), seed=1, num_games=5)
    path = tmp_path / "games.mat"
    path.write_text(write_mat(play_session((PipCountPlayer(), RandomPlayer()), session)))
    return list(read_logs([path]))


def test_measured_agreement_does_not_depend_on_the_batch(tmp_path: Path) -> None:
    games = replayed_games(tmp_path)
    whole = measure_agreement(games, PipScorer())
    assert whole == measure_agreement(games, PipScorer(), batch_size=1)
    assert whole.overall.matches == 5
    assert whole.overall.decisions + whole.forced == sum(len(game) for game in games)


def test_a_player_agrees_more_with_what_it_maximises(tmp_path: Path) -> None:
    by_player = {row.name: row for row in measure_agreement(replayed_games(tmp_path), PipScorer()).by_player}
    assert by_player["pipcount"].top1.value > by_player["random"].top1.value + 0.05


def test_nothing_added_is_a_report_of_nothing() -> None:
    report = AgreementCounter().report()
    assert report.overall.decisions == 0
    assert isnan(report.overall.top1.value)
    assert report.by_phase == ()


def test_table_1_covers_the_five_engaged_phases() -> None:
    assert tuple(TESAURO_TABLE_1) == PHASES[:5]
