"""Look-ahead: the definition, the exact endings, and independence of threads, batches and caches."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from backgammon.evaluation.bearoff import Bearoff, find_or_build
from backgammon.evaluation.evaluator import JudgedPlays
from backgammon.evaluation.exact import ExactEvaluator
from backgammon.evaluation.outcome import Outcomes, equities
from backgammon.rules.board import START, Board, Position, swap
from backgammon.rules.decision import Decision
from backgammon.rules.decisions import Decisions
from backgammon.rules.movegen import legal_candidates
from backgammon.rules.rolls import average_rolls, expand_rolls, group_rows
from backgammon.search import Analysis, OutcomeCache, Ranker, Searcher, SearchSettings
from backgammon.search.filters import MoveFilter, keep_candidates, stages
from backgammon.tools.arrays import Boards, Dice, Int8s, Int64s
from backgammon.tools.errors import ConfigError
from tests.evaluators import NoEvaluator, PipEvaluator
from tests.naive.search import look_ahead
from tests.test_engine import bearoff_decisions

Arrays = tuple[Int8s, Int8s]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Bearoff:
    return find_or_build(directory=tmp_path_factory.mktemp("bearoff"))


def searcher(plies: int, threads: int = 1, **settings: Any) -> Searcher:
    return Searcher(PipEvaluator(), SearchSettings(plies, **settings), threads)


def as_bytes(analysis: Analysis) -> list[bytes]:
    parts = (analysis.decisions.candidates, analysis.decisions.offsets, *analysis[1:])
    return [np.asarray(part).tobytes() for part in parts]


# Kernels


def test_equal_rows_share_a_group_in_the_order_of_first_appearance() -> None:
    rows = np.random.default_rng(1).integers(-1, 2, size=(500, 4), dtype=np.int8)
    first, group = group_rows(rows)
    assert rows[first][group].tobytes() == rows.tobytes()
    assert len({row.tobytes() for row in rows}) == len(first)
    assert (np.diff(first) > 0).all()
    assert [len(part) for part in group_rows(rows[:0])] == [0, 0]


def test_rolls_are_expanded_and_averaged_from_the_other_side() -> None:
    boards = START[None].copy()
    positions, dice = expand_rolls(boards)
    assert len({tuple(sorted(roll)) for roll in dice.tolist()}) == 21
    assert (positions == swap(START)).all()
    outcomes = np.zeros((21, 6), dtype=np.float32)
    outcomes[:, 0] = dice[:, 0] == dice[:, 1]
    outcomes[:, 3] = 1 - outcomes[:, 0]
    np.testing.assert_allclose(average_rolls(outcomes, np.arange(21))[0], [30 / 36, 0, 0, 6 / 36, 0, 0], rtol=1e-6)


# Filters


def test_filters_keep_by_count_and_by_equity() -> None:
    owners = np.array([0] * 5 + [1] * 3)
    values = np.array([0.1, 0.3, 0.29, 0.0, 0.28, -1, -1.5, -1.01], dtype=np.float32)
    kept = keep_candidates(MoveFilter(0, 2, 0.05), owners, values, values)
    assert np.flatnonzero(kept).tolist() == [1, 2, 5, 7]
    kept = keep_candidates(MoveFilter(3, 0, 0.0), owners, values, values)
    assert np.flatnonzero(kept).tolist() == [1, 2, 4, 5, 6, 7]
    assert not len(keep_candidates(MoveFilter(0, 2, 0.1), owners[:0], values[:0], values[:0]))


def test_the_preferred_candidate_always_passes_and_sets_the_window() -> None:
    owners = np.zeros(3, dtype=np.int64)
    values = np.array([0.0, 0.5, -0.5], dtype=np.float32)
    preference = np.array([2.0, 1.0, 0.0], dtype=np.float32)
    assert keep_candidates(MoveFilter(0, 8, 0.1), owners, values, preference).tolist() == [True, True, False]


def test_settings_that_do_not_exist_are_refused() -> None:
    assert stages("normal", 0) == []
    wrong_settings: list[dict[str, Any]] = [
        {"plies": 4},
        {"plies": -1},
        {"filter_name": "wide"},
        {"seconds": 0.0},
        {"seconds": float("nan")},
    ]
    for wrong in wrong_settings:
        with pytest.raises(ConfigError):
            SearchSettings(**wrong)
    with pytest.raises(ConfigError, match="shallow"):
        SearchSettings(shallow=1.0)
    with pytest.raises(ConfigError, match="leaning"):
        SearchSettings(leaning=-0.1)
    with pytest.raises(ConfigError):
        Searcher(PipEvaluator(), threads=0)


def test_the_staged_filter_looks_at_one_ply_first_and_is_narrower_where_that_is_all() -> None:
    static, staged, deep = MoveFilter(0, 8, 0.16), MoveFilter(0, 4, 0.06), MoveFilter(0, 2, 0.04)
    assert stages("staged", 3) == [(static, 1), (staged, 2), (deep, 3)]
    assert stages("staged", 2) == [(static, 1), (staged, 2)]
    assert stages("staged", 1) == [(MoveFilter(0, 6, 0.10), 1)]
    assert stages("normal", 3) == [(static, 2), (deep, 3)]
    for plies in range(4):
        assert stages("staged", plies, has_cube=True) == stages("normal", plies)


def test_what_the_stage_keeps_is_what_is_near_at_one_ply_and_gets_the_values_of_a_search_without_it(
    random_play: Arrays,
) -> None:
    boards, dice = random_play[0][:30], random_play[1][:30]
    plain, found = (searcher(2, filter_name=name).analyse(boards, dice) for name in ("normal", "staged"))
    shallow = Searcher(PipEvaluator(), SearchSettings(1, "normal")).analyse(boards, dice)
    owners = found.decisions.owners
    rows = np.flatnonzero(plain.plies == 2)
    near = shallow.equities[rows]
    kept = rows[keep_candidates(MoveFilter(0, 4, 0.06), owners[rows], near, near)]
    assert np.flatnonzero(found.plies == 2).tolist() == kept.tolist()
    assert 0 < len(kept) < len(rows)
    assert found.outcomes[kept].tobytes() == plain.outcomes[kept].tobytes()
    dropped = found.plies == 1
    assert np.flatnonzero(dropped).tolist() == np.setdiff1d(rows, kept).tolist()
    assert found.outcomes[dropped].tobytes() == shallow.outcomes[dropped].tobytes()


class Counting(PipEvaluator):
    """Counts the positions whose replies are asked for."""

    def __init__(self) -> None:
        self.expanded = 0

    def reply_to_rolls(self, boards: Boards) -> tuple[Boards, Outcomes]:
        self.expanded += len(boards)
        return super().reply_to_rolls(boards)


@pytest.mark.parametrize("plies", [1, 2, 3])
@pytest.mark.parametrize("name", ["tiny", "staged"])
def test_for_a_choice_a_candidate_without_a_rival_is_not_searched(name: str, plies: int, random_play: Arrays) -> None:
    count = 40 if plies < 3 else 8
    boards, dice = random_play[0][:count], random_play[1][:count]
    evaluators = Counting(), Counting()
    choosing, judging = (Searcher(evaluator, SearchSettings(plies, name)) for evaluator in evaluators)
    assert choosing.choose(boards, dice).tolist() == judging.analyse(boards, dice).best_rows.tolist()
    assert 0 < evaluators[0].expanded < evaluators[1].expanded


def test_where_no_candidate_has_a_rival_nothing_is_searched(random_play: Arrays) -> None:
    evaluator = Counting()
    search = Searcher(evaluator, SearchSettings(2, "staged"), cache=OutcomeCache(100))
    boards, dice = random_play[0][:300], random_play[1][:300]
    values = search.analyse(boards, dice)
    searched = np.add.reduceat(values.plies > 0, values.decisions.offsets[:-1])
    alone = np.flatnonzero((searched == 1) & (np.diff(values.decisions.offsets) > 1))[:20]
    assert len(alone) >= 5
    evaluator.expanded = 0
    assert search.choose(boards[alone], dice[alone]).tolist() == values.best_rows[alone].tolist()
    assert evaluator.expanded == 0


# Values


@pytest.mark.parametrize("plies", [0, 1, 2])
def test_batched_search_equals_the_recursive_twin(plies: int, random_play: Arrays) -> None:
    count = 12 if plies < 2 else 3
    candidates, offsets = legal_candidates(random_play[0][:count], random_play[1][:count])
    afters = candidates[offsets[:-1]]
    expected = [look_ahead(PipEvaluator(), after, plies) for after in afters]
    np.testing.assert_allclose(searcher(plies).outcomes(afters), expected, atol=1e-6)


def test_three_plies_equal_the_recursive_twin_near_the_end(tables: Bearoff) -> None:
    evaluator = ExactEvaluator(PipEvaluator(), tables)
    after = np.zeros(26, dtype=np.int8)
    after[[1, 2]] = 1, 1
    after[[24, 23]] = -1, -2
    exact = evaluator.outcomes(after[None])[0]
    assert look_ahead(evaluator, after, 3) == pytest.approx(exact, abs=1e-6)
    np.testing.assert_allclose(Searcher(evaluator, SearchSettings(3)).outcomes(after[None])[0], exact, atol=1e-6)


@pytest.mark.parametrize("plies", [1, 2])
def test_with_perfect_information_every_depth_gives_the_exact_equity(tables: Bearoff, plies: int) -> None:
    boards, dice = bearoff_decisions(40, 6, seed=6)
    engine = ExactEvaluator(NoEvaluator(), tables)
    analysis = Searcher(engine, SearchSettings(plies, "huge")).analyse(boards, dice)
    exact = -tables.equities(swap(analysis.decisions.candidates))
    np.testing.assert_allclose(analysis.equities, exact, atol=2e-6)
    best = analysis.decisions.offsets[:-1] + analysis.best_rows
    for i, row in enumerate(best.tolist()):
        assert exact[row] >= exact[analysis.decisions.offsets[i] : analysis.decisions.offsets[i + 1]].max() - 2e-6


def test_a_finished_game_keeps_its_outcome_at_every_depth() -> None:
    board = np.zeros((1, 26), dtype=np.int8)
    board[0, 3] = -15
    for plies in range(4):
        assert searcher(plies).outcomes(board)[0].tolist() == [0, 0, 1, 0, 0, 0]


# Independence


@pytest.mark.parametrize("plies", [1, 2])
def test_threads_batches_and_caches_change_no_bit(plies: int, random_play: Arrays) -> None:
    count = 30 if plies == 1 else 4
    boards, dice = random_play[0][:count], random_play[1][:count]
    alone = searcher(plies).analyse(boards, dice)
    for other in (
        searcher(plies, threads=3),
        Searcher(PipEvaluator(), SearchSettings(plies), 2, cache=OutcomeCache(10)),
        Searcher(PipEvaluator(), SearchSettings(plies), cache=OutcomeCache()),
    ):
        for _ in range(2):  # the second time from the cache
            again = other.analyse(boards, dice)
            assert as_bytes(again) == as_bytes(alone)
    single = [searcher(plies).analyse(boards[i : i + 1], dice[i : i + 1]) for i in range(count)]
    assert np.concatenate([part.outcomes for part in single]).tobytes() == alone.outcomes.tobytes()
    assert [int(part.best_rows[0]) for part in single] == alone.best_rows.tolist()


def test_choices_are_the_analysis_and_forced_plays_are_not_looked_at(random_play: Arrays) -> None:
    boards, dice = random_play[0][:60], random_play[1][:60]
    search = searcher(1)
    analysis = search.analyse(boards, dice)
    assert search.choose(boards, dice).tolist() == analysis.best_rows.tolist()
    afters, outcomes = search.play_best(boards, dice)
    best = analysis.decisions.offsets[:-1] + analysis.best_rows
    assert afters.tobytes() == analysis.decisions.candidates[best].tobytes()
    assert outcomes.tobytes() == analysis.outcomes[best].tobytes()


def test_at_one_ply_the_evaluator_alone_keeps_a_share(random_play: Arrays) -> None:
    boards, dice = random_play[0][:20], random_play[1][:20]
    alone, plain, mixed = (searcher(plies, shallow=share) for plies, share in ((0, 0.0), (1, 0.0), (1, 0.25)))
    own, deep, found = (search.analyse(boards, dice) for search in (alone, plain, mixed))
    is_deep = found.plies == 1
    assert is_deep.any()
    np.testing.assert_allclose(
        found.outcomes[is_deep], 0.75 * deep.outcomes[is_deep] + 0.25 * own.outcomes[is_deep], atol=1e-6
    )
    assert found.outcomes[~is_deep].tobytes() == own.outcomes[~is_deep].tobytes()
    deeper = [searcher(2, shallow=share, filter_name="normal").analyse(boards[:2], dice[:2]) for share in (0.0, 0.25)]
    assert as_bytes(deeper[0]) == as_bytes(deeper[1])


class Leaning(PipEvaluator):
    """Its scores lean to candidates by where they stand in the list."""

    def judge_plays(self, decisions: Decisions) -> JudgedPlays:
        row = np.arange(len(decisions.candidates)) - decisions.offsets[decisions.owners]
        leanings = np.asarray(0.2 * (row % 4), dtype=np.float64)
        judged = super().judge_plays(decisions)
        return JudgedPlays(equities(judged.outcomes) + leanings, leanings, judged.outcomes)


@pytest.mark.parametrize("plies", [1, 2])
def test_what_was_judged_deeper_is_ordered_by_equity_and_a_part_of_the_leaning(plies: int, random_play: Arrays) -> None:
    boards, dice = random_play[0][:12], random_play[1][:12]
    without, leaning = (
        Searcher(Leaning(), SearchSettings(plies, "huge", leaning=weight)).analyse(boards, dice)
        for weight in (0.0, 0.5)
    )
    both = (without.plies == plies) & (leaning.plies == plies)
    assert both.any()
    assert leaning.outcomes[both].tobytes() == without.outcomes[both].tobytes()
    has_moved = False
    for index, (start, stop) in enumerate(pairwise(leaning.decisions.offsets.tolist())):
        rows = leaning.searched_rows(index)
        worth = leaning.equities[rows] + 0.5 * 0.2 * ((rows - start) % 4)
        assert worth.tolist() == sorted(worth.tolist(), reverse=True)
        plain = without.equities[without.searched_rows(index)].tolist()
        assert plain == sorted(plain, reverse=True)
        has_moved |= leaning.order[start:stop].tolist() != without.order[start:stop].tolist()
    assert has_moved


def test_a_search_is_an_evaluator_of_another_search(random_play: Arrays) -> None:
    boards = legal_candidates(random_play[0][:2], random_play[1][:2])[0][:3]
    inner = searcher(1, filter_name="huge")

    class Composed(PipEvaluator):
        """The evaluator's plays, judged one ply deeper."""

        def play_best(self, boards: Boards, dice: Dice) -> tuple[Board, Outcomes]:
            afters, _ = super().play_best(boards, dice)
            return afters, inner.outcomes(afters)

    composed = Searcher(Composed(), SearchSettings(1)).outcomes(boards)
    np.testing.assert_allclose(composed, searcher(2).outcomes(boards), atol=1e-6)


class FirstRow(PipEvaluator):
    """A pruner that always proposes the first candidate and no other."""

    name = "first"

    def propose(self, boards: Boards, dice: Dice, within: float) -> tuple[Board, Int64s]:  # noqa: ARG002
        candidates, offsets = legal_candidates(boards, dice)
        return np.asarray(candidates[offsets[:-1]], dtype=np.int8), np.arange(len(boards) + 1)


class EveryRow(PipEvaluator):
    """A pruner that proposes all."""

    name = "every"

    def propose(self, boards: Boards, dice: Dice, within: float) -> tuple[Board, Int64s]:  # noqa: ARG002
        return legal_candidates(boards, dice)


def test_a_pruner_chooses_the_replies_and_the_net_judges_them(tables: Bearoff, random_play: Arrays) -> None:
    boards = legal_candidates(random_play[0][:3], random_play[1][:3])[0][:4]
    plain = Searcher(ExactEvaluator(PipEvaluator(), tables), SearchSettings(2))
    same = Searcher(ExactEvaluator(PipEvaluator(), tables, EveryRow()), SearchSettings(2))
    assert same.outcomes(boards).tobytes() == plain.outcomes(boards).tobytes()
    blind = ExactEvaluator(PipEvaluator(), tables, FirstRow())
    assert len({Searcher(engine).identity for engine in (blind, same.evaluator, plain.evaluator)}) == 3
    found = Searcher(blind, SearchSettings(1)).outcomes(boards)
    positions, dice = expand_rolls(boards)
    replies = blind.outcomes(FirstRow().propose(positions, dice, 0)[0])
    np.testing.assert_allclose(found, average_rolls(replies, np.arange(len(replies))), atol=1e-6)
    assert blind.play_best(positions, dice)[0].tobytes() == plain.evaluator.play_best(positions, dice)[0].tobytes()


# Order and time


def test_deeper_judged_candidates_come_first_then_equity(random_play: Arrays) -> None:
    analysis = searcher(1).analyse(random_play[0][:50], random_play[1][:50])
    assert {0, 1} == set(analysis.plies.tolist())
    for start, stop in zip(analysis.decisions.offsets[:-1], analysis.decisions.offsets[1:], strict=True):
        order = analysis.order[start:stop]
        assert sorted(order.tolist()) == list(range(start, stop))
        keys = [(-int(analysis.plies[at]), -float(analysis.equities[at])) for at in order]
        assert keys == sorted(keys)


def test_without_time_the_evaluator_alone_decides_and_with_time_the_full_depth(random_play: Arrays) -> None:
    boards, dice = random_play[0][:5], random_play[1][:5]
    hurried = searcher(2, seconds=1e-9).analyse(boards, dice)
    assert hurried.order.tobytes() == searcher(0).analyse(boards, dice).order.tobytes()
    patient = searcher(1, seconds=60.0).analyse(boards, dice)
    assert patient.equities.tobytes() == searcher(1).analyse(boards, dice).equities.tobytes()


def test_a_time_limit_is_kept(random_play: Arrays) -> None:
    search = searcher(3, seconds=0.2)
    started = time.perf_counter()
    search.analyse(random_play[0][:1], random_play[1][:1])
    assert time.perf_counter() - started < 5


def test_ranked_candidates_of_one_decision() -> None:
    decision = Decision.make(Position.start(), (3, 1))
    ranked = Ranker(searcher(1)).rank_one(decision)
    assert sorted(candidate.row for candidate in ranked) == list(range(16))
    assert ranked[0].margin == 0
    for candidate in ranked:
        assert candidate.equity == pytest.approx(float(equities(candidate.outcomes)), abs=1e-6)
        assert candidate.margin == pytest.approx(ranked[0].equity - candidate.equity)
        assert candidate.standard_error is None
    assert Ranker(searcher(0)).rank_one(decision)[0].row == ranked[0].row or ranked[0].ply == 1


@pytest.mark.parametrize("plies", [1, 2, 3])
def test_what_was_chosen_is_judged_as_deeply_as_the_best_and_changes_nothing_else(plies: int) -> None:
    worst = Ranker(searcher(plies)).rank_one(Decision.make(Position.start(), (3, 1)))[-1].row
    free, chosen = Decision.make(Position.start(), (3, 1)), Decision.make(Position.start(), (3, 1)).choose(worst)
    engine = searcher(plies)
    alone, found = Ranker(engine).rank_one(free), Ranker(engine).rank_one(chosen)
    assert alone[-1].ply == 0
    place = next(one for one in found if one.row == worst)
    assert place.ply == plies
    share = engine.settings.shallow if plies == 1 else 0.0
    after = free.candidates[worst : worst + 1]
    expected = (1 - share) * engine.outcomes(after) + share * engine.evaluator.outcomes(after)
    np.testing.assert_allclose(place.outcomes, expected[0], atol=1e-6)
    others = [(one.row, one.ply, one.equity) for one in found if one.row != worst]
    assert others == [(one.row, one.ply, one.equity) for one in alone if one.row != worst]


def test_nothing_to_do_gives_nothing() -> None:
    none = np.zeros((0, 26), dtype=np.int8)
    assert len(searcher(1).choose(none, none[:, :2])) == 0
    assert len(searcher(2).outcomes(none)) == 0
    assert len(searcher(2, seconds=1.0).analyse(none, none[:, :2]).order) == 0
