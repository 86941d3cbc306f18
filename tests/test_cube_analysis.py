"""Analysis at the score and with the cube: what is decided, what counts, what it costs, and how it is shown."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from backgammon.analysis.cube_figures import counts_for_pr
from backgammon.analysis.cube_spots import BEAVER, DOUBLE, NO_DOUBLE, PASS, TAKE, action_loss, collect_spots, is_counted
from backgammon.analysis.document import as_document
from backgammon.analysis.judging import JudgedMatch, game_chances, judge_match
from backgammon.analysis.logged_rolls import collect_rolls, cube_use
from backgammon.analysis.mean_figures import mean_of
from backgammon.analysis.ranking import PlayJudge, StakesJudge
from backgammon.analysis.report import Report, make_report
from backgammon.analysis.scales import pr_word
from backgammon.analysis.text import render_text
from backgammon.cli import main
from backgammon.cli.advisers import open_engine
from backgammon.cube.cube_verdict import CubeVerdict
from backgammon.cube.stakes import Stakes
from backgammon.cube.valuation import Valuation
from backgammon.engine.at_stakes import StakesEngine
from backgammon.engine.engine_spec import EngineSpec
from backgammon.engine.stakes_rollout import StakesRollout
from backgammon.evaluation.player import PipCountPlayer
from backgammon.notation.identifier import parse_identifier
from backgammon.records import CubeAnalysis, Level, MatchRecord, Notes, ReplayedMatch, read_logs, replay_match
from backgammon.records.record.record import GALAXY_SITE, DoubleAction
from backgammon.rules.match import MatchScore
from backgammon.search import CubefulSearcher, Ranker, RolloutSettings, Searcher, SearchSettings
from backgammon.table.session import Session, play_session
from backgammon.tools.intervals import NORMAL_REACH, Estimate
from tests.evaluators import PipEvaluator
from tests.test_cli_protocols import tiny_model

VECTORS = Path(__file__).parent / "vectors"
MATCH5 = VECTORS / "logs" / "gnubg-match5.mat"
JACOBY_BEAVERS = Stakes(has_jacoby=True, has_beavers=True)


def make_judge() -> StakesJudge:
    cubeless = PlayJudge(Ranker(Searcher(PipEvaluator(), SearchSettings(plies=0))))
    return StakesJudge(StakesEngine(CubefulSearcher(PipEvaluator()), SearchSettings(plies=0)), cubeless)


def read_match5() -> tuple[MatchRecord, ReplayedMatch]:
    """A 5-point match of GNU Backgammon: a double that is taken, then the Crawford game."""
    ((record, replayed),) = read_logs([MATCH5]).matches()
    return record, replayed


@pytest.fixture(scope="module")
def judged() -> JudgedMatch:
    return judge_match(*read_match5(), make_judge())


@pytest.fixture(scope="module")
def report(judged: JudgedMatch) -> Report:
    return make_report(judged, num_worst=100)


@pytest.fixture(scope="module")
def money() -> MatchRecord:
    return play_session((PipCountPlayer(), PipCountPlayer()), Session(("a", "b"), seed=1, num_games=2))


# What is decided


def test_whoever_may_double_before_a_roll_decides_and_nobody_else() -> None:
    record, replayed = read_match5()
    rolls = collect_rolls(record.games[0], replayed.games[0])
    doubled = {event.roll for event in rolls.events}
    expected = [i for i in range(1, len(rolls)) if i in doubled or rolls.stakes(i).may_double]
    assert [spot.roll for spot in collect_spots(rolls)] == expected
    assert 0 not in expected, "the opening roll decides who starts"
    assert max(expected) > max(doubled) > min(expected), "before the double, at it, and by its taker"


def test_the_crawford_game_has_no_cube_decision(judged: JudgedMatch) -> None:
    assert judged.games[1].score.is_crawford
    assert judged.games[1].cubes == ()
    assert judged.games[0].cubes


def test_a_double_is_judged_and_so_is_its_answer(judged: JudgedMatch) -> None:
    double, take = (cube for cube in judged.cubes if cube.action != NO_DOUBLE)
    assert (double.action, take.action) == (DOUBLE, TAKE)
    assert double.seat == 1 - take.seat
    assert double.spot is take.spot
    assert double.loss == double.verdict.loss(has_doubled=True)
    assert take.loss == double.verdict.answer_loss(has_taken=True)
    assert parse_identifier(double.identifier.xgid).match.doubled is False
    assert parse_identifier(take.identifier.xgid).match.doubled is True
    assert double.cube == 1


@pytest.mark.parametrize(
    ("values", "action", "counted"),
    [
        ((0.5, 0.29), NO_DOUBLE, False),  # rolling on is .21 better: obvious
        ((0.5, 0.31), NO_DOUBLE, True),
        ((1.21, 1.5), NO_DOUBLE, False),  # too good by more than .2
        ((1.19, 1.5), NO_DOUBLE, True),
        ((0.3, 0.3), NO_DOUBLE, False),  # the same either way
        ((0.3, 0.9), NO_DOUBLE, True),  # missed
        ((0.5, -0.9), DOUBLE, True),
        ((0.5, -0.9), TAKE, True),
        ((0.5, 1.9), PASS, True),
    ],
)
def test_what_counts_is_what_extreme_gammon_counts(values: tuple[float, float], action: str, counted: bool) -> None:
    assert is_counted(action, CubeVerdict(Stakes(7), *values)) is counted


def test_a_beaver_is_an_answer_that_is_worth_twice_the_take() -> None:
    # the doubled player is the favourite: to take leaves the doubler -.2, to beaver -.4
    verdict = CubeVerdict(JACOBY_BEAVERS, -0.5, -0.2)
    assert verdict.wording == "Double, beaver"
    assert [action_loss(action, verdict) for action in (TAKE, BEAVER, PASS)] == pytest.approx([0.2, 0.0, 1.4])
    assert verdict.loss(has_doubled=False) == pytest.approx(0.1)
    assert CubeVerdict(JACOBY_BEAVERS, -0.3, -0.2).is_double is False, "a beaver makes -.4 of it"
    wrong = CubeVerdict(JACOBY_BEAVERS, 0.3, 0.5)
    assert action_loss(BEAVER, wrong) == pytest.approx(0.5)


# What it is worth


def test_plays_are_judged_at_their_stakes(judged: JudgedMatch) -> None:
    record, replayed = read_match5()
    engine = StakesEngine(CubefulSearcher(PipEvaluator()), SearchSettings(plies=0))
    for index in (12, 13):
        rolls = collect_rolls(record.games[0], replayed.games[0])
        expected = engine.rank_plays(rolls.decisions.one(index), rolls.stakes(index))
        roll = judged.games[0].rolls[index]
        assert [one.row for one in roll.ranked] == [one.row for one in expected]
        assert [one.equity for one in roll.ranked] == [one.equity for one in expected]
        cost = Valuation(rolls.stakes(index)).mwc_cost(roll.loss)
        assert roll.mwc_loss == pytest.approx(cost, abs=1e-9)
    assert any(roll.mwc_loss > 0 for roll in judged.rolls)


def test_the_chances_of_a_match_go_on_from_game_to_game(judged: JudgedMatch) -> None:
    first, second = (game.mwc for game in judged.games)
    assert first is not None
    assert second is not None
    assert first[0] == 0.5
    assert first[1] == second[0]
    assert second[1] == 1.0
    behind = MatchScore(5, (4, 3), is_past_crawford=True)
    before, after = game_chances(behind, -2) or (0.0, 1.0)
    assert before == pytest.approx(1 - 0.48803, abs=1e-4)
    assert after == 0


def test_figures_are_what_their_definitions_say(judged: JudgedMatch, report: Report) -> None:
    for player in report.players:
        found = player.cube
        assert found is not None
        plays = [roll.loss for roll in judged.rolls if roll.seat == player.seat and counts_for_pr(roll)]
        every = [cube for cube in judged.cubes if cube.seat == player.seat]
        counted = [cube.loss for cube in every if cube.is_counted]
        assert (found.pr_plays, found.pr_cubes) == (len(plays), len(counted))
        assert found.pr.value == pytest.approx(500 * sum(plays + counted) / len(plays + counted))
        assert found.pr_word == pr_word(found.pr.value)
        close = [cube.loss for cube in every if cube.is_close]
        unforced = [roll.loss for roll in judged.rolls if roll.seat == player.seat and roll.is_counted]
        assert found.overall_rate.value == pytest.approx(1000 * sum(unforced + close) / len(unforced + close))
        lost = sum(unforced) + sum(cube.loss for cube in every)
        assert player.snowie_rate.value == pytest.approx(1000 * lost / len(judged.rolls))
        assert sum(lost for _, lost in found.errors.values()) == pytest.approx(found.cube_loss)
        assert found.mwc_lost == pytest.approx(
            sum(one.mwc_loss for one in judged.rolls if one.seat == player.seat) + sum(one.mwc_loss for one in every)
        )
    one, other = (player.cube for player in report.players)
    assert one is not None
    assert other is not None
    assert one.mwc_won == 0.5
    assert one.mwc_adjusted is not None
    assert other.mwc_adjusted is not None
    assert one.mwc_luck is not None
    assert other.mwc_luck is not None
    assert one.mwc_adjusted.value == pytest.approx(0.5 - one.mwc_luck + other.mwc_luck)
    assert other.mwc_adjusted.value == pytest.approx(-one.mwc_adjusted.value)


def test_in_a_match_to_one_point_losses_count_one_and_a_half_times() -> None:
    record = play_session((PipCountPlayer(), PipCountPlayer()), Session(("a", "b"), seed=2, length=1))
    found = make_report(judge_match(record, replay_match(record), make_judge()))
    assert not found.match.cubes
    for player in found.players:
        assert player.cube is not None
        losses = [roll.loss for roll in found.match.rolls if roll.seat == player.seat and counts_for_pr(roll)]
        assert player.cube.pr.value == pytest.approx(750 * sum(losses) / len(losses))


def test_losses_without_spread_have_no_interval() -> None:
    assert mean_of(np.zeros(5)) == Estimate(0.0, None, None)
    found = mean_of(np.array([0.0, 0.1]))
    assert found.low is not None
    assert found.low < found.value == pytest.approx(0.05)


def test_the_bands_of_pr_are_those_of_extreme_gammon() -> None:
    assert [pr_word(value) for value in (0.0, 2.5, 7.4, 12.5, 29.9, 30.0)] == [
        "world champion",
        "world class",
        "expert",
        "intermediate",
        "beginner",
        "distracted",
    ]


def test_the_engine_that_ships_finds_the_errors_that_gnu_backgammon_finds() -> None:
    # its report of the same match at 2-ply, cubeful at the score
    theirs = json.loads((VECTORS / "gnubg_match5_report.json").read_text())
    judge = StakesJudge(open_engine(EngineSpec(plies=2, threads=2)).plays)
    found = make_report(judge_match(*read_match5(), judge), num_worst=5)
    for player in found.players:
        assert (player.counted, player.rolls) == (theirs["unforced"][player.name], theirs["moves"][player.name])
        assert player.total_loss == pytest.approx(theirs["error_total"][player.name], abs=0.15)
    ranked = sorted(theirs["losses"], key=lambda one: -one["loss"])
    common = {(one.game, one.roll + 1) for one in found.worst} & {(one["game"], one["roll"]) for one in ranked[:5]}
    assert len(common) >= 4


def test_with_rollouts_plays_and_close_cube_decisions_are_rolled_out() -> None:
    record, _ = read_match5()
    first = record.games[0]
    place = next(i for i, one in enumerate(first.actions) if isinstance(one, DoubleAction))
    short = replace(record, games=(replace(first, actions=first.actions[: place + 3]),))
    engine = StakesEngine(CubefulSearcher(PipEvaluator()), SearchSettings(plies=0))
    settings = RolloutSettings(games=36, round_games=36, cube_horizon=2, lead=None, max_error=None)
    rollout = StakesRollout(engine, engine, settings)
    searched = judge_match(short, replay_match(short), StakesJudge(engine))
    found = judge_match(short, replay_match(short), StakesJudge(engine, rollout=rollout))
    assert found.engine.endswith("36 games of 2 plies")
    for roll in found.rolls:
        assert (roll.chosen.standard_error is not None) == roll.is_counted
        assert roll.loss == (roll.chosen.loss if roll.is_counted else 0)
    pairs = list(zip(found.cubes, searched.cubes, strict=True))
    assert any(one.verdict.equities != other.verdict.equities for one, other in pairs)
    for one, other in pairs:
        if not other.is_close:
            assert one.verdict.equities == other.verdict.equities, "what is obvious is not rolled out"
            continue
        rolled = rollout.decide_cube(one.spot.board, one.spot.stakes)
        reach = NORMAL_REACH * rolled.double_take.standard_error
        assert abs(one.verdict.double_take - rolled.verdict.double_take) <= reach + 1e-9
        gain = one.verdict.double_take - one.verdict.no_double
        rolled_gain = rolled.verdict.double_take - rolled.verdict.no_double
        assert abs(gain - rolled_gain) <= NORMAL_REACH * rolled.joint_error + 1e-9


# What the log says


def test_money_rules_are_those_that_the_log_states(money: MatchRecord) -> None:
    with_cube = replace(money, headers=(("Jacoby", "On"), ("Beaver", "On")))
    rolls = collect_rolls(with_cube.games[0], replay_match(with_cube).games[0], cube_use(with_cube))
    assert rolls.stakes(1) == JACOBY_BEAVERS
    silent = replace(money, headers=())
    assert collect_rolls(silent.games[0], replay_match(silent).games[0], cube_use(silent)).stakes(1) == Stakes()


def test_sixteen_points_of_galaxy_are_money(money: MatchRecord) -> None:
    galaxy = replace(money, length=16, headers=(("Site", GALAXY_SITE),))
    found = judge_match(galaxy, replay_match(galaxy), make_judge())
    assert found.length == 0
    assert all(cube.verdict.mwc is None for cube in found.cubes)
    assert "money with the cube" in render_text(make_report(found))


def test_games_without_a_cube_are_judged_without_one(money: MatchRecord) -> None:
    assert money.header("CubeLimit") == "1"
    found = make_report(judge_match(money, replay_match(money), make_judge()))
    assert not found.match.is_cubeful
    assert "PR" not in [row[0] for row in as_document(found)["summary"]]
    assert "checker error rate, cubeless money" in render_text(found)


def test_the_verdict_in_the_file_stands_beside_ours() -> None:
    record, _ = read_match5()
    stakes = Stakes(5)
    mwc = [float(Valuation(stakes).native(value)) for value in (0.25, 0.5)]
    told = CubeAnalysis(Level("evaluation", 2), None, mwc[0], mwc[1], None, is_mwc=True)
    actions = [
        replace(one, notes=Notes(cube=told)) if isinstance(one, DoubleAction) else one
        for one in record.games[0].actions
    ]
    noted = replace(record, games=(replace(record.games[0], actions=tuple(actions)), *record.games[1:]))
    report = make_report(judge_match(noted, replay_match(noted), make_judge()))
    double, take = (cube for cube in report.match.cubes if cube.action != NO_DOUBLE)
    assert double.told is not None
    assert double.told.equities == pytest.approx((0.25, 0.5, 1.0))
    assert double.told.wording == "Double, take"
    assert (double.told_loss, take.told_loss) == (0, 0)
    figures = [player.cube for player in report.players]
    assert [one.told_decisions for one in figures if one] == [1, 1]
    entry = next(one for one in as_document(report)["games"][0]["cube_actions"] if one["action"] == DOUBLE)
    assert entry["in_file"]["wording"] == "Double, take"
    assert entry["in_file"]["level"] == "2-ply"


# How it is shown


def test_the_text_has_pr_cube_errors_and_what_was_right(report: Report, judged: JudgedMatch) -> None:
    text = render_text(report)
    lines = text.splitlines()
    assert any(line.startswith("PR  ") for line in lines)
    assert max(map(len, lines)) < 180
    (double,) = (cube for cube in judged.cubes if cube.action == DOUBLE)
    assert f"doubles to 2{'' if not double.loss else f' {-double.loss:+.3f}'}" in text
    lost = [cube for cube in judged.cubes if cube.loss > 0]
    assert lost
    for cube in lost:
        assert f"({cube.kind}), right: {cube.verdict.wording}" in text
        assert cube.identifier.xgid in text


def test_cube_errors_are_among_the_worst(report: Report, judged: JudgedMatch) -> None:
    losses = [one.loss for one in report.worst]
    every = [*(roll.loss for roll in judged.rolls), *(cube.loss for cube in judged.cubes)]
    assert losses == sorted([loss for loss in every if loss > 0], reverse=True)[:100]


def test_the_document_has_every_cube_decision_with_its_three_values(report: Report, judged: JudgedMatch) -> None:
    document = json.loads(json.dumps(as_document(report)))
    entries: list[dict[str, Any]] = [entry for game in document["games"] for entry in game["cube_actions"]]
    assert len(entries) == len(judged.cubes)
    for entry, cube in zip(entries, judged.cubes, strict=True):
        assert entry["action"] == cube.action
        assert entry["board"] == cube.spot.board.tolist()
        assert entry["verdict"]["equities"] == pytest.approx(cube.verdict.equities, abs=1e-6)
        assert entry["verdict"]["mwc"] == pytest.approx(cube.verdict.mwc, abs=1e-6)
        assert entry["loss"] == pytest.approx(cube.loss, abs=1e-6)
    rolls = [roll for game in document["games"] for roll in game["rolls"]]
    assert all(candidate["mwc"] is not None for roll in rolls for candidate in roll["candidates"])
    assert document["cubeful"] is True


# The door


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_model(tmp_path_factory.mktemp("model") / "judge.safetensors", outcomes=True))


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--time", "1"], "add --cubeless"),
        (["--seed", "3"], "add --rollout"),
        (["--json", "--out", "report.json"], "leave out --out"),
    ],
)
def test_settings_without_effect_are_refused(options: list[str], reason: str, model: str) -> None:
    result = CliRunner().invoke(main, ["analyse", str(MATCH5), "--model", model, *options], catch_exceptions=False)
    assert result.exit_code == 1
    assert reason in result.stderr


def test_json_goes_to_standard_output(model: str) -> None:
    arguments = ["analyse", str(MATCH5), "--model", model, "--ply", "0", "--json"]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    (match,) = json.loads(result.stdout)["matches"]
    assert match["figures"][0]["cube"]["pr"]["value"] > 0
    without = CliRunner().invoke(main, [*arguments, "--cubeless"], catch_exceptions=False)
    (match,) = json.loads(without.stdout)["matches"]
    assert match["figures"][0]["cube"] is None


def test_a_score_that_cannot_be_is_named_with_the_way_out(model: str, tmp_path: Path) -> None:
    log = tmp_path / "wrong.mat"
    log.write_text(MATCH5.read_text().replace("5 point match", "400 point match"))
    result = CliRunner().invoke(main, ["analyse", str(log), "--model", model, "--ply", "0"], catch_exceptions=False)
    assert result.exit_code == 1
    assert "length 400" in result.stderr
    assert "--cubeless" in result.stderr


def test_luck_without_a_score_is_that_of_the_points(money: MatchRecord) -> None:
    rolls = collect_rolls(money.games[0], replay_match(money).games[0])
    luck = make_judge().measure_luck(rolls)
    assert not luck.mwc.any()
    assert np.abs(luck.equities).max() > 0.05
