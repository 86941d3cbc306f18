"""Plays and cube actions at a score: the engine that answers, and the lines of `rank` that ask."""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from backgammon.cli import main
from backgammon.cube.cube_verdict import ACTIONS
from backgammon.cube.efficiency import GNUBG
from backgammon.cube.stakes import Stakes
from backgammon.engine.at_stakes import StakesEngine
from backgammon.engine.engine_spec import EngineSpec
from backgammon.evaluation.bearoff import UNCOVERED
from backgammon.evaluation.evaluator import JudgedPlays
from backgammon.evaluation.outcome import equities
from backgammon.learner.net.engine_builder import build_engine
from backgammon.learner.net.scorer import load_scorer
from backgammon.rules import ragged
from backgammon.rules.board import Position, swap
from backgammon.rules.decision import Decision
from backgammon.rules.decisions import Decisions
from backgammon.rules.dice import make_roll
from backgammon.search import CubefulSearcher, SearchSettings
from backgammon.tools.errors import GameError
from scripts import compare_leanings
from tests.cube_vectors import cube_vectors, vector_state
from tests.evaluators import PipEvaluator
from tests.positions import random_play_decisions

LABELS = Path(__file__).resolve().parent.parent / "data" / "labels-cube"
START = "XGID=-b----E-C---eE---c-e----B-"
Invoke = Callable[..., Result]


def pip_engine(plies: int) -> StakesEngine:
    return StakesEngine(CubefulSearcher(PipEvaluator(), efficiency=GNUBG), SearchSettings(plies))


@pytest.mark.parametrize("plies", [0, 1])
def test_plays_are_ordered_by_what_they_are_worth_at_the_score(plies: int) -> None:
    boards, dice = random_play_decisions(30, seed=3)
    decision = Decision.make(Position(boards[25]), make_roll(*dice[25].tolist()))
    for stakes in (Stakes(), Stakes(7, (2, 5)), Stakes(5, (4, 1), is_crawford=True)):
        engine = pip_engine(plies)
        plays = engine.rank_plays(decision, stakes)
        assert sorted(play.row for play in plays) == list(range(len(decision.candidates)))
        assert plays[0].ply == plies
        assert plays[0].margin == 0
        deep = [play.equity for play in plays if play.ply == plies]
        assert deep == sorted(deep, reverse=True)
        valuation = engine.valuation(stakes)
        for play in plays:
            assert (play.mwc is None) == (not stakes.is_match)
            if play.mwc is not None:
                assert float(valuation.emg(play.mwc)) == pytest.approx(play.equity)


@pytest.mark.parametrize("plies", [0, 1, 2])
def test_many_decisions_at_once_are_chosen_as_each_is_ranked(plies: int) -> None:
    boards, dice = random_play_decisions(12, seed=4)
    engine = pip_engine(plies)
    kinds = [
        Stakes(),
        Stakes(cube=2, owner=1),
        Stakes(cube=8, owner=1),
        Stakes(7, (2, 5)),
        Stakes(3, (2, 0), is_crawford=True),
    ]
    stakes = [kinds[i % len(kinds)] for i in range(len(boards))]
    rows = engine.choose(boards, dice, stakes)
    for board, roll, one, row in zip(boards, dice, stakes, rows.tolist(), strict=True):
        decision = Decision.make(Position(board), make_roll(*roll.tolist()))
        best, *rest = engine.rank_plays(decision, one)
        assert row == best.row or any(play.row == row and play.margin == 0 for play in rest)


def test_a_leaning_has_its_say_in_choices_and_none_where_losses_are_counted() -> None:
    class Fond(PipEvaluator):
        """Leans to candidates by where they stand in the list, wins apart."""

        def judge_plays(self, decisions: Decisions) -> JudgedPlays:
            row = np.arange(len(decisions.candidates)) - decisions.offsets[decisions.owners]
            return super().judge_plays(decisions)._replace(leanings=np.asarray(0.3 * (row % 3), dtype=np.float64))

    boards, dice = random_play_decisions(30, seed=3)
    decision = Decision.make(Position(boards[25]), make_roll(*dice[25].tolist()))
    for stakes in (Stakes(cube=2, owner=1), Stakes(7, (2, 5)), Stakes(5, (4, 1), is_crawford=True)):
        engines = [StakesEngine(CubefulSearcher(Fond()), SearchSettings(plies)) for plies in (0, 1)]
        plays = engines[0].rank_plays(decision, stakes)
        worth = [play.equity + 0.3 * (play.row % 3) for play in plays]
        assert worth == sorted(worth, reverse=True)
        equities = [play.equity for play in plays]
        assert equities != sorted(equities, reverse=True)
        by_equity = engines[0].rank_plays(decision, stakes, by_equity=True)
        assert [play.equity for play in by_equity] == sorted(equities, reverse=True)
        assert min(play.margin for play in by_equity) == by_equity[0].margin == 0
        assert engines[0].choose(decision.position.board[None], dice[25:26], [stakes]).tolist() == [plays[0].row]
        weight = 0.3 * SearchSettings().leaning
        plays = engines[1].rank_plays(decision, stakes)
        deep = [(play.ply, play.equity + weight * (play.row % 3)) for play in plays]
        assert deep == sorted(deep, reverse=True)
        reported = [(play.ply, play.equity) for play in engines[1].rank_plays(decision, stakes, by_equity=True)]
        assert reported == sorted(reported, reverse=True)


def test_the_net_that_ships_leans_to_what_it_prefers() -> None:
    boards, dice = random_play_decisions(200, seed=8)
    boards[0] = 0
    boards[0, [1, 3, 22, 24]] = 2, 2, -2, -2  # a bear-off
    decisions = Decisions.make(boards, dice)
    evaluator = build_engine(EngineSpec()).evaluator
    assert evaluator.bearoff is not None
    _, leanings, outcomes = evaluator.judge_plays(decisions)
    is_exact = np.array([int(evaluator.bearoff.coverage(board[None])[0]) != UNCOVERED for board in boards])
    assert is_exact.tolist().count(True) == 1
    assert not leanings[ragged.spread(is_exact, decisions.offsets)].any()
    np.testing.assert_array_equal(outcomes, evaluator.outcomes(decisions.candidates))
    net = load_scorer()
    _, own, chances = net.judge_plays(decisions)
    order = ragged.best(own + equities(chances), decisions.offsets)
    is_same = order == ragged.best(net.preferences(decisions), decisions.offsets)
    assert is_same.mean() > 0.99  # float32 ties apart
    assert (order != ragged.best(equities(chances), decisions.offsets)).any()


def test_a_leaning_of_weight_1_is_what_the_engine_plays(tmp_path: Path) -> None:
    labels = tmp_path / "labels.jsonl"
    (shipped,) = LABELS.glob("*.jsonl.xz")
    with lzma.open(shipped, "rt") as file:
        labels.write_text("".join(line for line, _ in zip(file, range(150), strict=False)))
    shown = CliRunner().invoke(compare_leanings.main, [str(labels), "--weight", "0", "--weight", "1"])
    told = CliRunner().invoke(main, ["evaluate", str(labels), "--json"])
    assert (shown.exit_code, told.exit_code) == (0, 0)
    loss = next(row["loss"]["value"] for row in json.loads(told.output)["stakes"] if row["name"] == "plays")
    _, without, shipped_way = shown.output.splitlines()
    assert f" {loss:.3f} +-" in shipped_way
    assert f" {loss:.3f} +-" not in without


def test_money_cubes_of_one_owner_are_worth_the_same_for_each_unit() -> None:
    boards, _ = random_play_decisions(6, seed=9)
    engine = pip_engine(1)
    two, eight = (engine.decide_cubes(boards, [Stakes(cube=cube, owner=1)] * 6) for cube in (2, 8))
    assert [one.equities for one in two] == [one.equities for one in eight]
    assert {one.stakes.cube for one in eight} == {8}


def test_one_engine_keeps_the_answers_of_different_stakes_apart() -> None:
    boards, dice = random_play_decisions(20, seed=5)
    engine, decision = pip_engine(1), Decision.make(Position(boards[12]), make_roll(*dice[12].tolist()))
    kinds = [
        Stakes(),
        Stakes(has_jacoby=True),
        Stakes(cube=2, owner=-1),
        Stakes(5, (4, 2), is_crawford=True),
        Stakes(5, (4, 2)),
    ]
    for stakes in (*kinds, *kinds[::-1]):
        fresh = pip_engine(1).rank_plays(decision, stakes)
        assert [(p.row, p.equity) for p in engine.rank_plays(decision, stakes)] == [(p.row, p.equity) for p in fresh]
        assert engine.value_of_rolling(boards[3], stakes) == pip_engine(1).value_of_rolling(boards[3], stakes)


def test_a_gammon_that_wins_nothing_is_not_played_for() -> None:
    # the leader of a Crawford game needs one point: what gammons are worth must not change the order of its plays
    class NoGammons(PipEvaluator):
        def outcomes(self, boards: Any) -> Any:
            outcomes = super().outcomes(boards)
            for side in (0, 3):
                outcomes[:, side] += outcomes[:, side + 1] + outcomes[:, side + 2]
                outcomes[:, side + 1 : side + 3] = 0
            return outcomes

    stakes = Stakes(5, (4, 4))
    boards, dice = random_play_decisions(30, seed=6)
    decision = Decision.make(Position(boards[20]), make_roll(*dice[20].tolist()))
    without = StakesEngine(CubefulSearcher(NoGammons()), SearchSettings(0))
    orders = [[play.row for play in engine.rank_plays(decision, stakes)] for engine in (pip_engine(0), without)]
    assert orders[0] == orders[1]


def test_many_cube_decisions_are_decided_like_each_alone() -> None:
    engine = pip_engine(0)
    states = [vector_state(vector) for vector in cube_vectors()[:60] if vector["may_double"]]
    together = engine.decide_cubes(np.array([board for board, _ in states]), [stakes for _, stakes in states])
    for (board, stakes), verdict in zip(states, together, strict=True):
        alone = engine.decide_cube(board, stakes)
        assert alone.equities == verdict.equities
        assert alone.mwc == verdict.mwc
        assert (verdict.mwc is None) == (not stakes.is_match)
    with pytest.raises(GameError, match="Crawford"):
        engine.decide_cube(states[0][0], Stakes(5, (4, 2), is_crawford=True))


@pytest.fixture
def rank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    monkeypatch.chdir(tmp_path)

    def run(*records: dict[str, Any] | str, options: tuple[str, ...] = ()) -> Result:
        text = "".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in records)
        return CliRunner().invoke(main, ["rank", *options], input=text, catch_exceptions=False)

    return run


def answers(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_rank_answers_cube_decisions_plays_and_plain_lines_in_their_order(rank: Invoke) -> None:
    cube, play, plain = answers(
        rank(
            {"xgid": f"{START}:0:0:1:00:0:0:0:7:10", "name": "kept", "best": "gone"},
            {"xgid": f"{START}:0:0:1:31:0:0:0:7:10", "id": "4HPwATDgc/ABMA"},
            {"id": "4HPwATDgc/ABMA", "dice": [3, 1]},
        )
    )
    assert set(cube) == {"xgid", "name", "action", "double", "take", "equities"}
    assert (cube["action"], cube["double"], cube["take"]) == ("no double", False, True)
    assert len(cube["equities"]) == 3
    assert cube["equities"][2] == 1.0
    assert cube["action"] in ACTIONS
    assert play["best"] == plain["best"]
    assert play["candidates"][0]["id"] == play["best"]
    assert set(play["candidates"][0]) == {"id", "equity", "mwc", "chances", "ply", "margin"}
    assert len(play["candidates"]) == len(plain["candidates"])


def test_rank_answers_a_double_on_offer_like_the_doublers_question(rank: Invoke) -> None:
    head = "XGID=aBBAB-B-B-A-bB---bdf---A--:0:0:1:"
    before, offered = answers(rank({"xgid": head + "00:2:0:0:5:10"}, {"xgid": head + "D:2:0:0:5:10"}))
    assert before["equities"] == offered["equities"]
    assert before["action"] == offered["action"]


def test_rank_says_why_a_player_may_not_double(rank: Invoke) -> None:
    crawford = f"{START}:0:0:1:00:4:2:1:5:10"
    (answer,) = answers(rank({"xgid": crawford}))
    assert (answer["action"], answer["double"]) == ("no double", False)
    assert answer["equities"][1:] == [None, None]
    assert "Crawford" in answer["reason"]
    refused = rank({"xgid": crawford.replace(":00:", ":D:")})
    assert refused.exit_code == 1
    assert "line 1" in refused.stderr
    assert "the Crawford game is played without the cube" in refused.stderr


def test_rank_takes_dice_beside_an_xgid(rank: Invoke) -> None:
    within, beside = answers(
        rank({"xgid": f"{START}:1:1:1:52:1:2:0:5:10"}, {"xgid": f"{START}:1:1:1:00:1:2:0:5:10", "dice": [5, 2]})
    )
    assert within["candidates"] == beside["candidates"]


def test_rank_gives_the_same_answer_for_either_side_of_the_board(rank: Invoke) -> None:
    vector = next(vector for vector in cube_vectors() if vector["L"] == 7 and vector["may_double"])
    board, stakes = vector_state(vector)
    mirrored = "".join(
        "-" if c == 0 else chr(ord("A") + c - 1) if c > 0 else chr(ord("a") - c - 1) for c in swap(board).tolist()
    )
    fields = vector["xgid"].split(":")
    owner = -int(fields[2])
    other = f"XGID={mirrored}:{fields[1]}:{owner}:-1:00:{stakes.score[1]}:{stakes.score[0]}:0:7:10"
    one, two = answers(rank({"xgid": vector["xgid"]}, {"xgid": other}))
    assert one["equities"] == two["equities"]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"xgid": 5}, '"xgid" must be text'),
        ({"xgid": f"{START}:0:0:1:00:0:0:0:7:10", "id": "4HPhATDgc/ABMA"}, "is not the position"),
        ({"xgid": f"{START}:0:0:1:00:7:0:0:7:10"}, "score of the bottom player 7: a match to 7 is over"),
        ({"xgid": f"{START}:1:0:1:00:0:0:0:7:10"}, "cube owner nobody: in a match"),
        ({"xgid": f"{START}:0:1:1:00:0:0:0:7:10"}, "nobody owns it"),
        ({"xgid": f"{START}:0:0:1:00:0:0:1:7:10"}, "Crawford game: exactly one player"),
        ({"xgid": f"{START}:0:0:1:B:0:0:0:0:10"}, "a beaver or raccoon"),
        ({"xgid": f"{START}:0:0:1:D:0:0:0:0:10", "dice": [3, 1]}, "there are no dice yet"),
        ({"xgid": f"{START}:0:0:1:00:0:0:0:0:10", "dice": [7, 1]}, "7"),
        ({"xgid": "XGID=-A----------------------b-:0:0:1:00:0:0:0:0:10"[:31]}, "XGID"),
        ({"xgid": "XGID=-A------------------------:0:0:1:00:0:0:0:0:10"}, "the game is over"),
    ],
)
def test_rank_refuses_what_cannot_be_with_the_line_and_the_rule(
    rank: Invoke, record: dict[str, Any], message: str
) -> None:
    result = rank(record)
    assert result.exit_code == 1
    assert "line 1: " in result.stderr
    assert message in result.stderr
    (answer,) = answers(rank(record, options=("--skip-bad",)))
    assert message in answer["error"]


def test_rank_looks_at_scores_by_plies_only(rank: Invoke) -> None:
    result = rank({"xgid": f"{START}:0:0:1:00:0:0:0:7:10"}, options=("--time", "1"))
    assert result.exit_code == 1
    assert "--ply" in result.stderr


def hint(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["hint", *arguments], catch_exceptions=False)


CUBE_POSITION = "XGID=-B--caC-C---dE---bAeA-----"


def test_hint_without_dice_is_the_cube_decision_that_rank_answers(rank: Invoke) -> None:
    for fields in (":0:0:1:00:3:4:0:7:10", ":0:0:1:D:0:0:3:0:10"):
        (ranked,) = answers(rank({"xgid": CUBE_POSITION + fields}))
        found = json.loads(hint(CUBE_POSITION + fields, "--json").stdout)
        for key in ("action", "double", "take", "equities"):
            assert found[key] == ranked[key]
        assert 0 < found["take_point"] < 0.5 < found["cash_point"] < 1
        assert len(found["chances"]) == 5


def test_hint_says_the_proper_action_in_words() -> None:
    text = hint(CUBE_POSITION + ":0:0:1:00:3:4:0:7:10").stdout
    for part in ("4-away 3-away, cube 1 centred", "no double", "double, take", "% MWC", "take point", "gammon value"):
        assert part in text
    assert text.splitlines()[-1] == "proper action: No double, take"
    offered = hint(CUBE_POSITION + ":0:0:1:D:0:0:3:0:10").stdout
    assert offered.splitlines()[-1] == "proper answer: take"
    assert "Jacoby, beavers" in offered


def test_hint_with_dice_ranks_plays_as_rank_does_at_the_score(rank: Invoke) -> None:
    xgid = f"{START}:1:1:1:52:3:5:0:7:10"
    (ranked,) = answers(rank({"xgid": xgid}))
    plays = json.loads(hint(xgid, "--json").stdout)["plays"]
    assert [play["after"] for play in plays] == [one["id"] for one in ranked["candidates"]]
    assert [play["equity"] for play in plays] == [one["equity"] for one in ranked["candidates"]]
    assert [play["mwc"] for play in plays] == [one["mwc"] for one in ranked["candidates"]]
    text = hint(xgid, "--count", "2").stdout
    assert "match won in %" in text
    assert text.splitlines()[-1].startswith("2 of ")


def test_hint_rolls_out_with_a_live_cube() -> None:
    options = ("--ply", "0", "--rollout", "36", "--error", "0.5")
    found = json.loads(hint(CUBE_POSITION + ":0:0:1:00:3:4:0:7:10", *options, "--json").stdout)
    assert found["games"] == 36
    assert all(0 < error < 0.5 for error in (*found["standard_errors"], found["joint_error"]))
    text = hint(CUBE_POSITION + ":0:0:1:00:3:4:0:7:10", *options).stdout
    assert "rolled out, 36 games each on the same dice" in text
    race = "XGID=---BBBBA----------a-bbbb--:1:1:1:21:0:0:0:0:10"
    first = json.loads(hint(race, *options, "--json").stdout)["plays"][0]
    assert first["games"] == 36
    assert first["standard_error"] > 0
    assert "half the 95 % interval, of chance alone, of a rollout of 36 games" in hint(race, *options).stdout


def test_hint_at_a_score_explains_what_it_cannot_do() -> None:
    refused = hint(f"{START}:0:0:1:00:6:5:1:7:10").stdout
    assert "no double is possible: the Crawford game" in refused
    for arguments, reason in (
        ((f"{START}:0:0:1:D:6:5:1:7:10",), "the Crawford game is played without the cube"),
        ((f"{START}:0:0:1:31:0:0:0:7:10", "--time", "1"), "--cubeless"),
        ((f"{START}:0:0:1:00:0:0:0:0:10", "--cubeless"), "--dice"),
        ((f"{START}:0:0:1:D:0:0:0:0:10", "--dice", "31"), "double is to be answered"),
    ):
        result = hint(*arguments)
        assert result.exit_code == 1
        assert reason in result.stderr


def test_hint_without_the_cube_shows_what_it_showed_before() -> None:
    xgid = f"{START}:0:0:1:52:0:0:0:7:10"
    assert "cubeless equity" in hint(xgid, "--cubeless").stdout
    assert "match won" not in hint("4HPwATDgc/ABMA", "--dice", "52").stdout
