"""Analysis of a match: every roll is judged, figures are what their definitions say, every form shows the same."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from backgammon.analysis.candidate_table import behind_text, candidate_lines
from backgammon.analysis.document import as_document
from backgammon.analysis.figures import PlayerFigures, measure_players
from backgammon.analysis.judging import JudgedMatch, JudgedRoll, judge_match
from backgammon.analysis.logged_rolls import collect_rolls
from backgammon.analysis.page import SHOWN_CANDIDATES, render_page
from backgammon.analysis.page_parts import joined_script
from backgammon.analysis.ranking import PlayJudge
from backgammon.analysis.report import ROLLOUT_NOTE, Report, estimate_text, figure_rows, make_report
from backgammon.analysis.scales import GNUBG_MARKS, XG_MARKS, count_luck, count_marks, find_mark, rating_word
from backgammon.analysis.text import render_text
from backgammon.cli import main
from backgammon.evaluation.outcome import equities
from backgammon.evaluation.player import PipCountPlayer, RandomPlayer
from backgammon.notation.identifier import parse_identifier
from backgammon.notation.play_text import format_play
from backgammon.records import Level, MatchRecord, Notes, PlayAnalysis, ReplayedMatch, read_logs, write_mat
from backgammon.records.record.record import Action, RollAction, Setup
from backgammon.records.replay.replay import replay_match
from backgammon.rules.board import START, Position, swap
from backgammon.rules.decision import Move, apply_move
from backgammon.rules.movegen import legal_candidates
from backgammon.search import Ranker, RolloutSettings, Searcher, SearchSettings, Workshop
from backgammon.table.session import Session, play_session
from backgammon.tools.intervals import Estimate
from tests.evaluators import PipEvaluator
from tests.test_cli_protocols import tiny_model

MATCH5 = Path(__file__).parent / "vectors" / "logs" / "gnubg-match5.mat"


def read_match(path: Path) -> tuple[MatchRecord, ReplayedMatch]:
    ((record, replayed),) = read_logs([path]).matches()
    return record, replayed


@pytest.fixture(scope="module")
def match5() -> tuple[MatchRecord, ReplayedMatch]:
    """A 5-point match of GNU Backgammon with cube actions."""
    return read_match(MATCH5)


@pytest.fixture(scope="module")
def searcher() -> Searcher:
    return Searcher(PipEvaluator(), SearchSettings(plies=1, filter_name="tiny"))


@pytest.fixture(scope="module")
def judged(match5: tuple[MatchRecord, ReplayedMatch], searcher: Searcher) -> JudgedMatch:
    return judge_match(*match5, PlayJudge(Ranker(searcher)))


@pytest.fixture(scope="module")
def session() -> tuple[MatchRecord, ReplayedMatch]:
    """Twelve money games: a random player, who often dances, against a pip counter."""
    record = play_session((RandomPlayer(), PipCountPlayer()), Session(("random", "pips"), seed=4, num_games=12))
    return record, replay_match(record)


# Rolls


def test_the_counts_are_those_of_gnu_backgammons_own_report_of_the_match(judged: JudgedMatch) -> None:
    # GNU Backgammon 1.07 on the same file: total moves 61 and 60, unforced moves 54 and 51
    gnubg, weak = measure_players(judged)
    assert (gnubg.name, weak.name) == ("gnubg", "weak")
    assert (gnubg.rolls, weak.rolls) == (61, 60)
    assert (gnubg.counted, weak.counted) == (54, 51)


def test_every_roll_follows_from_the_one_before_dances_included(session: tuple[MatchRecord, ReplayedMatch]) -> None:
    num_dances = 0
    for record, replayed in zip(session[0].games, session[1].games, strict=True):
        rolls = collect_rolls(record, replayed)
        assert len(rolls) == replayed.num_rolls
        board, seat = START, int(rolls.seats[0])
        for i in range(len(rolls)):
            assert np.array_equal(rolls.decisions.boards[i], board)
            assert int(rolls.seats[i]) == seat
            candidates, _ = legal_candidates(rolls.decisions.boards[i][None], rolls.decisions.dice[i][None])
            assert len(candidates) == rolls.decisions.counts[i]
            num_dances += np.array_equal(candidates[0], rolls.decisions.boards[i])
            board, seat = swap(candidates[rolls.decisions.chosen_rows[i]]), 1 - seat
    assert num_dances == sum(game.num_dances for game in session[1].games) > 0


def test_the_cube_stands_as_the_record_says(match5: tuple[MatchRecord, ReplayedMatch]) -> None:
    rolls = collect_rolls(match5[0].games[0], match5[1].games[0])
    assert [(event.action, event.cube, event.roll) for event in rolls.events] == [("double", 2, 10), ("take", 2, 10)]
    doubler, taker = (event.seat for event in rolls.events)
    assert doubler != taker
    assert rolls.cubes.tolist() == [1] * 10 + [2] * (len(rolls) - 10)
    assert rolls.owners.tolist() == [-1] * 10 + [taker] * (len(rolls) - 10)
    first, second = (event.identifier for event in rolls.events)
    assert first.xgid.replace(":00:", ":D:") == second.xgid, "the answer is given with the double on offer"
    assert parse_identifier(first.xgid).match.cube == 1


def test_a_roll_that_was_not_played_ends_what_can_be_followed(session: tuple[MatchRecord, ReplayedMatch]) -> None:
    game = session[0].games[0]
    actions: list[Action] = list(game.actions[:9])
    unplayed = actions[8]
    assert isinstance(unplayed, RollAction)
    assert unplayed.play
    actions[8] = replace(unplayed, play="")
    short = replace(session[0], games=(replace(game, actions=tuple(actions)),))
    assert len(collect_rolls(short.games[0], replay_match(short).games[0])) == 8


def test_a_game_from_a_position_begins_there_and_with_its_cube(searcher: Searcher) -> None:
    position = Position(swap(START))
    setup = Setup(position, turn=1, cube=4, cube_owner=1)
    record = play_session((PipCountPlayer(), PipCountPlayer()), Session(("a", "b"), seed=1, num_games=1))
    game = record.games[0]
    seat = game.actions[0].seat
    start = replace(setup, turn=seat, cube_owner=seat)
    changed = replace(record, games=(replace(game, start=start),))
    judged = judge_match(changed, replay_match(changed), PlayJudge(Ranker(searcher)))
    assert judged.games[0].rolls[0].cube == 4
    assert judged.games[0].rolls[0].identifier.match.cube_owner == seat
    assert abs(judged.games[0].points or 0) % 4 == 0


# Judging


def test_the_best_play_loses_nothing_and_every_other_what_it_is_behind(judged: JudgedMatch) -> None:
    for roll in judged.rolls:
        assert roll.loss >= 0
        assert roll.ranked[0].margin == 0
        assert {one.row for one in roll.ranked} == set(range(len(roll.decision.candidates)))
        if roll.is_counted:
            assert roll.loss == pytest.approx(max(0.0, roll.chosen.margin))
            assert roll.chosen.ply == 1, "the play that was made is judged at full depth"
        else:
            assert roll.loss == 0
        if roll.is_best:
            assert roll.loss == 0


def test_a_play_that_the_filter_left_out_has_the_value_of_the_search(judged: JudgedMatch, searcher: Searcher) -> None:
    filtered = [roll for roll in judged.rolls if roll.is_counted and searcher_left_out(roll, searcher)]
    assert len(filtered) > 10
    for roll in filtered[:10]:
        after, share = roll.decision.candidates[roll.chosen.row][None], searcher.settings.shallow
        deep, shallow = (float(equities(one.outcomes(after))[0]) for one in (searcher, searcher.evaluator))
        assert roll.chosen.equity == pytest.approx((1 - share) * deep + share * shallow, abs=1e-6)


def searcher_left_out(roll: JudgedRoll, searcher: Searcher) -> bool:
    analysis = searcher.analyse(roll.decision.position.board[None], np.array([roll.decision.roll], dtype=np.int8))
    return int(analysis.plies[roll.chosen.row]) == 0


def test_the_result_without_luck_does_not_depend_on_who_is_seat_0(judged: JudgedMatch) -> None:
    one, other = measure_players(judged)
    assert one.points == -other.points
    assert one.adjusted.value == pytest.approx(-other.adjusted.value)
    luck = sum((1 if roll.seat == 0 else -1) * roll.luck * roll.cube for roll in judged.rolls)
    assert one.adjusted.value == pytest.approx(one.points - luck)


def test_points_are_those_of_the_score(judged: JudgedMatch, match5: tuple[MatchRecord, ReplayedMatch]) -> None:
    assert judged.games[0].points == match5[0].games[1].scores[0] == 4
    assert judged.points == (5, 0)


def test_with_rollouts_the_play_that_was_made_is_rolled_out_too(match5: tuple[MatchRecord, ReplayedMatch]) -> None:
    settings = RolloutSettings(games=36, round_games=36, horizon=2, lead=None)
    searcher = Searcher(PipEvaluator(), SearchSettings(plies=1, filter_name="tiny"))
    judge = PlayJudge(Ranker(searcher, Workshop(PipEvaluator(), settings)))
    one_game = replace(match5[0], games=match5[0].games[1:])
    judged = judge_match(one_game, replay_match(one_game), judge)
    assert judged.engine == "pips 1-ply, rollouts of at most 36 games of 2 plies, to a standard error of 0.005"
    for roll in (roll for roll in judged.rolls if roll.is_counted):
        assert roll.chosen.standard_error is not None
        assert roll.ranked[0].standard_error is not None
        assert roll.loss == roll.chosen.loss
        depths = [(one.standard_error is None, one.ply) for one in roll.ranked]
        assert depths == sorted(depths, key=lambda depth: depth[0]), "rolled out ones first"
    assert ROLLOUT_NOTE in render_text(make_report(judged))


# Figures


def test_rates_are_what_their_definitions_say(judged: JudgedMatch) -> None:
    for player in measure_players(judged):
        counted = [roll for roll in judged.rolls if roll.seat == player.seat and len(roll.decision.candidates) > 1]
        total = sum(roll.loss for roll in counted)
        assert player.total_loss == pytest.approx(total)
        assert player.error_rate.value == pytest.approx(1000 * total / len(counted))
        assert player.checker_error_rate.value == pytest.approx(500 * total / len(counted))
        assert player.snowie_rate.value == pytest.approx(1000 * total / len(judged.rolls))
        assert player.agreement.value == pytest.approx(sum(roll.is_best for roll in counted) / len(counted))
        for estimate in (
            player.error_rate,
            player.checker_error_rate,
            player.snowie_rate,
            player.agreement,
            player.luck,
        ):
            assert estimate.low is not None
            assert estimate.high is not None
            assert estimate.low <= estimate.value <= estimate.high
        assert (player.error_rate.low or 0) >= 0


def test_marks_are_reached_at_their_thresholds() -> None:
    assert find_mark(0.0299, GNUBG_MARKS) is None
    assert [getattr(find_mark(value, GNUBG_MARKS), "sign", "") for value in (0.03, 0.06, 0.12, 3.0)] == [
        "?!",
        "?",
        "??",
        "??",
    ]
    assert count_marks([0.01, 0.02, 0.079, 0.08, 0.5], XG_MARKS) == {"error": 2, "blunder": 2}
    assert count_luck([0.3, 0.7, -0.3, -0.6, -0.29]) == {
        "very lucky": 1,
        "lucky": 1,
        "unlucky": 1,
        "very unlucky": 1,
    }
    assert [rating_word(value) for value in (0.0, 0.002, 0.0349, 0.035)] == [
        "supernatural",
        "world class",
        "beginner",
        "awful",
    ]


def test_nothing_counted_is_not_a_rate_of_zero(session: tuple[MatchRecord, ReplayedMatch], searcher: Searcher) -> None:
    empty = replace(session[0], games=(replace(session[0].games[0], actions=()),))
    judged = judge_match(empty, replay_match(empty), PlayJudge(Ranker(searcher)))
    one, _ = measure_players(judged)
    assert one.error_rate.value != one.error_rate.value
    report = make_report(judged)
    assert ("checker error rate, cubeless money", "-", "-") in figure_rows(report)
    assert as_document(report)["figures"][0]["checker_error_rate"]["value"] is None


def test_an_estimate_shows_its_interval_when_it_has_one() -> None:
    assert estimate_text(Estimate(1.0, None, None), 2) == "1.00"
    assert estimate_text(Estimate(-1.0, -2.0, 0.5), 1, signed=True) == "-1.0 [-2.0, +0.5]"


# Reports


@pytest.fixture(scope="module")
def report(judged: JudgedMatch) -> Report:
    return make_report(judged, num_worst=4)


def test_the_worst_plays_come_first(report: Report, judged: JudgedMatch) -> None:
    losses = [roll.loss for roll in report.worst]
    assert losses == sorted(losses, reverse=True)
    assert losses[0] == max(roll.loss for roll in judged.rolls)
    assert len(losses) == 4


def test_the_text_has_figures_plays_identifiers_and_cube_actions(report: Report) -> None:
    text = render_text(report)
    for roll in report.worst:
        assert roll.identifier.xgid in text
        assert roll.identifier.position_id in text
    assert "gnubg doubles (cube 2)" in text
    assert "not judged" in text
    assert ROLLOUT_NOTE not in text
    assert "counted: every roll with two or more" in text
    assert max(map(len, text.splitlines())) < 170


def test_what_a_candidate_is_behind_is_said_only_where_the_depths_are_the_same(judged: JudgedMatch) -> None:
    roll = next(roll for roll in judged.rolls if len({one.ply for one in roll.ranked}) == 2 and len(roll.ranked) > 3)
    best = roll.ranked[0]
    for line, one in zip(candidate_lines(roll.decision, roll.ranked), roll.ranked, strict=True):
        is_compared = one is not best and one.ply == best.ply
        assert ("(" in line.split("ply")[1]) == is_compared
        assert behind_text(best, one) == (f"{one.equity - best.equity:+.3f}" if is_compared else "")


def test_the_identifiers_lead_back_to_the_position_and_the_dice(report: Report) -> None:
    for roll in report.worst:
        assert isinstance(roll, JudgedRoll)
        found = parse_identifier(roll.identifier.xgid)
        assert found.position == roll.decision.position
        assert found.match.dice == roll.decision.roll
        assert found.match.length == 5


class Collector(HTMLParser):
    """Every tag and every attribute of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def test_the_page_is_one_file_without_anything_from_outside(report: Report) -> None:
    page = render_page([report])
    found = Collector()
    found.feed(page)
    assert not {"link", "img", "iframe", "object", "a"} & set(found.tags)
    assert not {"src", "href", "srcset"} & {name for name, _ in found.attributes}
    outside = [part for part in page.split('"') if part.startswith("http")]
    assert set(outside) <= {"http://www.w3.org/2000/svg"}
    assert "@import" not in page
    assert all(part.startswith("#") for part in page.split("url(")[1:])
    assert "default-src 'none'" in page


def test_the_script_of_the_page_is_whole_without_modules(report: Report) -> None:
    script = joined_script()
    assert not re.search(r"^(import|export)\b", script, re.MULTILINE)
    names = re.findall(r"^(?:async )?(?:class|function|const) (\w+)", script, re.MULTILINE)
    assert len(names) == len(set(names)), "modules of a page may not share a name"
    assert "</script" not in script
    assert script in render_page([report])


def page_data(page: str) -> dict[str, Any]:
    """What the page's script reads."""
    text = page.split('id="data">', 1)[1].split("</script>", 1)[0]
    data: dict[str, Any] = json.loads(text)
    return data


def test_names_from_a_log_cannot_become_markup(judged: JudgedMatch) -> None:
    hostile = replace(judged, players=('</script><script>alert("x")</script>', "a&b"), file="<b>.mat")
    page = render_page([make_report(hostile, 2)])
    assert page.count("<script") == 2
    assert "<b>" not in page
    assert page_data(page)["matches"][0]["players"] == list(hostile.players)


def test_the_page_has_every_roll_with_its_board_and_the_play_that_was_made(report: Report) -> None:
    (match,) = page_data(render_page([report]))["matches"]
    rolls = [roll for game in match["games"] for roll in game["rolls"]]
    assert len(rolls) == len(report.match.rolls)
    for roll, one in zip(rolls, report.match.rolls, strict=True):
        assert roll["board"] == one.decision.position.board.tolist()
        (played,) = [candidate for candidate in roll["candidates"] if candidate["played"]]
        assert played["play"] == roll["play"]
        board = one.decision.position.board
        for source, target, is_hit in played["moves"]:
            board = apply_move(board, Move(source, target, bool(is_hit)))
        assert board.tolist() == one.decision.candidates[one.decision.chosen].tolist()
        assert len(roll["candidates"]) <= SHOWN_CANDIDATES + 1


def test_the_analysis_in_the_file_stands_beside_ours(
    match5: tuple[MatchRecord, ReplayedMatch], searcher: Searcher
) -> None:
    record, replayed = match5
    decision = replayed.games[0].plays.one(0)
    assert decision.chosen is not None
    rows = [next(row for row in range(3) if row != decision.chosen), decision.chosen]
    values, chances = np.array([0.25, 0.125], np.float32), np.full((2, 6), np.nan, np.float32)
    told = PlayAnalysis(decision.candidates[rows], values, chances, (Level("evaluation", 2), Level("evaluation", 1)))
    first, *others = record.games[0].actions
    game = replace(record.games[0], actions=(replace(first, notes=Notes(told)), *others))
    noted = replace(record, games=(game, *record.games[1:]))
    report = make_report(judge_match(noted, replay_match(noted), PlayJudge(Ranker(searcher))))
    rolls = as_document(report)["games"][0]["rolls"]
    texts = [format_play(decision.plays[row]) for row in rows]
    assert rolls[0]["in_file"] == {
        "candidates": [
            {"play": texts[0], "equity": 0.25, "level": "2-ply"},
            {"play": texts[1], "equity": 0.125, "level": "1-ply"},
        ],
        "loss": 0.125,
    }
    assert rolls[1]["in_file"] is None


def test_the_document_has_every_candidate_of_every_roll(report: Report, judged: JudgedMatch) -> None:
    document = json.loads(json.dumps(as_document(report)))
    rolls = [roll for game in document["games"] for roll in game["rolls"]]
    assert len(rolls) == len(judged.rolls)
    for roll, one in zip(rolls, judged.rolls, strict=True):
        assert len(roll["candidates"]) == len(one.decision.candidates)
        assert roll["counted"] == (len(roll["candidates"]) > 1)
    assert sum(roll["loss"] for roll in rolls) == pytest.approx(
        sum(p["total_loss"] for p in document["figures"]), abs=1e-4
    )
    assert [len(game["cube_actions"]) for game in document["games"]] == [2, 0]


def test_a_break_in_a_record_is_named(session: tuple[MatchRecord, ReplayedMatch], searcher: Searcher) -> None:
    game = session[0].games[0]
    actions: list[Action] = list(game.actions)
    wrong = actions[6]
    assert isinstance(wrong, RollAction)
    actions[6] = replace(wrong, play="24/1")
    broken = tuple(actions)
    changed = replace(session[0], games=(replace(game, actions=broken),))
    report = make_report(judge_match(changed, replay_match(changed), PlayJudge(Ranker(searcher))))
    assert "game 1: the rest is missing" in render_text(report)
    assert len(report.match.rolls) == 6


# The door


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_model(tmp_path_factory.mktemp("model") / "judge.safetensors", outcomes=True))


@pytest.mark.parametrize("suffix", [".html", ".json", ".txt"])
def test_analyse_writes_the_report_in_the_form_of_its_name(suffix: str, model: str, tmp_path: Path) -> None:
    out = tmp_path / f"report{suffix}"
    arguments = ["analyse", str(MATCH5), "--model", model, "--ply", "0", "--out", str(out)]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    text = out.read_text()
    assert {".html": "<!doctype html>", ".json": '{\n "matches"', ".txt": "gnubg against weak"}[suffix] in text


def test_analyse_prints_text_and_takes_several_matches(model: str, tmp_path: Path) -> None:
    log = tmp_path / "games.mat"
    players = PipCountPlayer(), RandomPlayer()
    matches = [play_session(players, Session(("a", "b"), seed, num_games=1)) for seed in (1, 2)]
    log.write_text(write_mat(*matches))
    result = CliRunner().invoke(main, ["analyse", str(log), "--model", model, "--ply", "0"], catch_exceptions=False)
    assert result.exit_code == 0
    assert result.stdout.count("counted decisions") == 2, "the session says that it was played without a cube"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([str(MATCH5), "--out", "report.pdf"], ".html, .json or .txt"),
        (["missing.mat"], "missing.mat"),
        ([str(Path(__file__))], "not a log"),
    ],
)
def test_analyse_names_the_mistake(arguments: list[str], reason: str, model: str) -> None:
    result = CliRunner().invoke(main, ["analyse", *arguments, "--model", model], catch_exceptions=False)
    assert result.exit_code == 1
    assert reason in result.stderr


def test_analyse_needs_a_model_with_outcomes(tmp_path: Path) -> None:
    ranking = tiny_model(tmp_path / "ranking.safetensors", outcomes=False)
    result = CliRunner().invoke(main, ["analyse", str(MATCH5), "--model", str(ranking)], catch_exceptions=False)
    assert result.exit_code == 1
    assert "trained with outcomes" in result.stderr


def test_figures_keep_the_order_of_the_seats(judged: JudgedMatch) -> None:
    players: tuple[PlayerFigures, PlayerFigures] = measure_players(judged)
    assert [player.seat for player in players] == [0, 1]
