"""Models of people: named features, what is learnt from choices, one player on top of people, the report."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from backgammon.cli import main
from backgammon.evaluation.outcome import equities
from backgammon.learner.coach.coach_page import coach_values, render_coach_page, render_coach_text
from backgammon.learner.coach.mimic import Mimic
from backgammon.learner.coach.people_fit import CALIBRATION, FitSettings, PeopleNet, fit_people, floored
from backgammon.learner.coach.people_inputs import (
    TYPICAL_REGRET,
    measure_strengths,
    other_half_strengths,
    people_inputs,
)
from backgammon.learner.coach.people_model import FLOOR, PeopleModel, load_people, shipped_people
from backgammon.learner.coach.play_table import PlayTable, make_table, score_kind
from backgammon.learner.coach.study import study_player
from backgammon.learner.inputs.style_features import STYLE_FEATURES, style_features
from backgammon.learner.net.scorer import Scorer, load_scorer
from backgammon.notation.gnu_id import position_ids
from backgammon.rules import ragged
from backgammon.rules.decisions import Decisions
from backgammon.rules.ending import has_won
from backgammon.rules.match import MatchScore
from backgammon.rules.movegen import legal_candidates
from backgammon.rules.shots import shots_against
from backgammon.tools.errors import DataError, ModelError
from comparison_net.choices import ChoiceSets
from comparison_net.config import TrainConfig
from tests.naive import style
from tests.positions import nasty_decisions, random_play_decisions

LOGS = Path(__file__).resolve().parent.parent / "data" / "logs" / "held-out"


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return load_scorer()


@pytest.fixture(scope="module")
def table(scorer: Scorer) -> PlayTable:
    """400 decisions of random play in 12 matches between two players, who choose by the net but for one habit:

    player 0 makes a play that hits whenever there is one.
    """
    drawn = Decisions.make(*random_play_decisions(700, seed=3))
    drawn = drawn.take(~drawn.is_forced).take(np.arange(400))
    player = np.arange(400) % 2
    plays = replace(drawn, unit=np.arange(400) // 34)
    found = make_table(plays, player, ("Ann", "Bob"), np.zeros(400, dtype=np.int8), scorer)
    is_hit = plays.candidates[:, 0] < ragged.spread(plays.boards[:, 0], plays.offsets)
    is_anns = player[plays.owners] == 0
    chosen = ragged.best(found.values + np.where(is_hit & is_anns, 100.0, 0.0), plays.offsets)
    return replace(found, plays=replace(plays, chosen=chosen))


def test_named_features_equal_those_counted_by_hand() -> None:
    for boards, dice in (random_play_decisions(30, seed=1), nasty_decisions(30, seed=2)):
        candidates, offsets = legal_candidates(boards, dice)
        rows = np.random.default_rng(0).choice(len(candidates), size=40, replace=False)
        before = np.repeat(boards, np.diff(offsets), axis=0)[rows]
        found = style_features(before, candidates[rows])
        for own, was, now in zip(found, before, candidates[rows], strict=True):
            expected = style.named_features(tuple(was.tolist()), tuple(now.tolist()))
            shown = {name: own[STYLE_FEATURES.index(name)] for name in expected}
            assert shown == pytest.approx(expected, abs=1e-6)


def test_nobody_is_hit_where_there_is_no_blot() -> None:
    board = np.zeros((1, 26), dtype=np.int8)
    board[0, [6, 8, 13]] = (5, 5, 5)
    board[0, [1, 12, 19]] = (-5, -5, -5)
    assert shots_against(board).tolist() == [0]


def test_probabilities_of_a_decision_sum_to_one_and_nothing_is_impossible(table: PlayTable) -> None:
    inputs = people_inputs(table, measure_strengths(table))
    logs = shipped_people().log_probabilities(inputs)
    sums = np.add.reduceat(np.exp(logs), table.plays.offsets[:-1])
    assert sums == pytest.approx(np.ones(len(table)), abs=1e-6)
    assert (np.exp(logs) >= FLOOR / np.repeat(np.diff(table.plays.offsets), np.diff(table.plays.offsets)) * 0.999).all()


def test_the_answer_is_not_among_the_inputs(table: PlayTable) -> None:
    chosen = np.where(np.arange(len(table)) == 7, 0, table.plays.chosen_rows)
    other = replace(table, plays=replace(table.plays, chosen=chosen))
    assert measure_strengths(other)[7] == measure_strengths(table)[7]


def test_strength_by_the_other_half_knows_nothing_of_its_own_half(table: PlayTable) -> None:
    strengths = other_half_strengths(table)
    own = np.flatnonzero((table.player == 0) & (table.plays.unit == table.plays.unit[0]))
    chosen = table.plays.chosen_rows.copy()
    chosen[own[::2]] = 0
    changed = other_half_strengths(replace(table, plays=replace(table.plays, chosen=chosen)))
    assert (changed[own[::2]] == strengths[own[::2]]).all()
    assert (changed[own[1::2]] != strengths[own[1::2]]).all()
    assert len(np.unique(strengths[own])) == 2


def test_a_habit_is_learnt_and_named(table: PlayTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backgammon.learner.coach.study.FEWEST_PLAYS", 100)
    monkeypatch.setattr("backgammon.learner.coach.habits.FEWEST", 20)
    ann = study_player(table, " ann ", shipped_people())
    assert ann.gains[0].nats.low is not None
    assert ann.gains[0].nats.low > 0.0
    surest = [habit.name for habit in ann.from_people[:8]]
    assert any("hit" in name for name in surest), surest
    hits = next(habit for habit in ann.from_people if habit.name == "hits")
    assert hits.difference.low is not None
    assert hits.difference.low > 0.0
    assert len(ann.typical) == 10
    for text in (render_coach_text(ann), render_coach_page(ann)):
        assert "hits" in text
    assert json.loads(json.dumps(coach_values(ann)))["plays"] == 200


def test_few_plays_give_a_calibration_only(table: PlayTable) -> None:
    people = shipped_people()
    bob = study_player(table, "Bob", people)
    assert bob.is_calibration
    for name in ("item.weight", "second.weight", "habit.weight"):
        assert (bob.model.weights[name] == people.weights[name]).all()
    assert "cannot be told from chance" in render_coach_text(bob)


def test_the_same_seed_gives_the_same_weights(table: PlayTable) -> None:
    inputs = people_inputs(table, np.full(len(table), TYPICAL_REGRET))
    one, two, other = (
        fit_people(inputs, table.plays.chosen_rows, FitSettings(epochs=1, batch=128, seed=seed)) for seed in (3, 3, 4)
    )
    assert all((one[name] == two[name]).all() for name in one)
    assert any((one[name] != other[name]).any() for name in one)


def test_a_calibration_is_pulled_to_its_start_and_nothing_else_moves(table: PlayTable) -> None:
    inputs = people_inputs(table, np.full(len(table), TYPICAL_REGRET))
    start = shipped_people().weights
    settings = replace(CALIBRATION, epochs=2, warmup=1)
    free, held = (
        fit_people(inputs, table.plays.chosen_rows, replace(settings, decay=decay), start) for decay in (0.0, 300.0)
    )
    moved = [float(((weights["shape.weight"] - start["shape.weight"]) ** 2).sum()) for weights in (free, held)]
    assert 0 < moved[1] < moved[0] / 2
    assert all((held[name] == start[name]).all() for name in start if not name.startswith("shape"))


def test_the_net_that_learns_says_what_the_model_says(table: PlayTable) -> None:
    """Two forward passes, torch's in training and numpy's at play time: the same preferences, the same loss."""
    inputs = people_inputs(table, measure_strengths(table))
    people = shipped_people()
    sets = ChoiceSets(inputs.items, inputs.offsets, table.plays.chosen_rows, inputs.context)
    for only_calibration in (False, True):
        net = PeopleNet(people.weights, only_calibration)
        mask = torch.from_numpy(sets.mask())
        scores = net.answers(sets).padded(mask)
        losses = floored(scores, mask, torch.from_numpy(sets.chosen), None, TrainConfig()).detach().numpy()
        assert losses == pytest.approx(-people.log_probabilities(inputs)[table.made], abs=1e-4)


def test_a_mimic_draws_plays_as_its_model_says(table: PlayTable, scorer: Scorer) -> None:
    mimic = Mimic(shipped_people(), scorer, "people")
    boards, dice = np.repeat(table.plays.boards[:1], 4000, axis=0), np.repeat(table.plays.dice[:1], 4000, axis=0)
    noise = np.random.default_rng(1).integers(0, 2**64, size=4000, dtype=np.uint64)
    rows = mimic.choose(boards, dice, noise)
    logs = mimic.preferences(Decisions.make(table.plays.boards[:1], table.plays.dice[:1]))
    shares = np.bincount(rows, minlength=len(logs)) / 4000
    assert shares == pytest.approx(np.exp(logs), abs=0.04)
    assert (mimic.choose(boards[:50], dice[:50], noise[:50]) == rows[:50]).all()


def test_kinds_of_score() -> None:
    def kind(length: int, one: int, other: int, seat: int) -> int:
        return score_kind(MatchScore.start(length).at(one, other), seat)

    assert kind(0, 3, 1, 0) == 0
    assert [kind(7, 2, 2, 0), kind(7, 3, 2, 0), kind(7, 3, 2, 1)] == [1, 2, 3]
    assert [kind(7, 6, 2, 0), kind(7, 6, 6, 1), kind(1, 0, 0, 0)] == [4, 5, 5]


def test_a_model_of_people_is_checked_when_it_is_read(tmp_path: Path) -> None:
    people = shipped_people()
    path = tmp_path / "p.safetensors"
    people.save(path)
    again = load_people(path)
    assert all((again.weights[name] == people.weights[name]).all() for name in people.weights)
    for name, value in (("item.bias", np.nan), ("scale", 0.0)):
        broken = {**people.weights, name: np.full_like(people.weights[name], value)}
        PeopleModel(broken, people.about).save(path)
        with pytest.raises(ModelError, match=r"where a weight lies within|holds a scale of"):
            load_people(path)
    PeopleModel({**people.weights, "item.bias": np.zeros(3, np.float32)}, people.about).save(path)
    with pytest.raises(ModelError, match="needs float32"):
        load_people(path)
    for strength in ("strong", float("nan"), -1, True):
        PeopleModel(people.weights, {**people.about, "strength": strength}).save(path)
        with pytest.raises(ModelError, match="no mean regret"):
            load_people(path)


def test_an_unknown_player_is_told_who_there_is(table: PlayTable) -> None:
    with pytest.raises(DataError, match=r"'Carol'.*'Ann' \(200\)"):
        table.of_player("Carol")


def test_the_command_learns_a_player_whom_play_can_seat(tmp_path: Path) -> None:
    log = next(LOGS.glob("*.xz"))
    out = tmp_path / "out"
    done = CliRunner().invoke(main, ["coach", str(log), "--player", "nobody", "--out", str(out)])
    assert done.exit_code == 1
    assert "no unforced play by 'nobody'" in done.output
    name = done.output.split("most plays are by ")[1].split("'")[1]
    done = CliRunner().invoke(main, ["coach", str(log), "--player", name, "--out", str(out), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads((out / "report.json").read_text())["plays"] > 1000
    assert "<svg" in (out / "report.html").read_text() or "cannot be told" in (out / "report.html").read_text()
    model = str(out / "player.safetensors")
    done = CliRunner().invoke(main, ["play", "--as", model, "--watch", "pipcount", "--seed", "1", "--no-save"])
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(main, ["play", "--as", model, "--opponent", "random", "--no-save"])
    assert done.exit_code == 1
    assert "give one opponent" in done.output


def test_rank_orders_as_a_person_chooses_and_says_how_likely_and_what_it_costs(scorer: Scorer) -> None:
    boards, dice = random_play_decisions(30, seed=5)
    ids = position_ids(boards)
    lines = "".join(f"{one} {roll[0]}{roll[1]}\n" for one, roll in zip(ids, dice.tolist(), strict=True))
    done = CliRunner().invoke(main, ["rank", "--as", "people:12"], input=lines)
    assert done.exit_code == 0, done.output
    person = Mimic(shipped_people(), scorer, "people", 12 / 500)
    for line, board, roll in zip(done.output.splitlines(), boards, dice, strict=True):
        found = json.loads(line)["candidates"]
        decisions = Decisions.make(board[None], roll[None])
        expected = np.exp(person.preferences(decisions))
        assert [one["probability"] for one in found] == pytest.approx(sorted(expected, reverse=True), abs=1e-5)
        assert sum(one["probability"] for one in found) == pytest.approx(1.0, abs=1e-4)
        worth = equities(scorer.outcomes(decisions.candidates))
        assert sorted(one["equity"] for one in found) == pytest.approx(sorted(worth.tolist()), abs=1e-5)
        assert [one["margin"] for one in found] == pytest.approx(
            [found[0]["equity"] - one["equity"] for one in found], abs=2e-6
        )


def test_a_person_reads_no_score() -> None:
    line = '{"xgid": "XGID=-b----E-C---eE---c-e----B-:0:0:1:52:0:0:0:0:10"}\n'
    done = CliRunner().invoke(main, ["rank", "--as", "people:8"], input=line)
    assert done.exit_code == 1
    assert 'which --as does not read: give "id"' in done.output


def test_weaker_people_lose_more(table: PlayTable, scorer: Scorer) -> None:
    def regret(rating: float) -> float:
        logs = Mimic(shipped_people(), scorer, "people", rating / 500).preferences(table.plays)
        return float(ragged.total(np.exp(logs) * table.regrets, table.plays.offsets).mean())

    losses = [regret(rating) for rating in (4, 6, 10, 15)]
    assert losses == sorted(losses)
    assert losses[-1] > 1.5 * losses[0]


def test_a_play_that_wins_is_never_missed(scorer: Scorer) -> None:
    board = np.zeros((1, 26), dtype=np.int8)
    board[0, [1, 2, 24]] = (1, 1, -3)
    boards, dice = np.repeat(board, 500, axis=0), np.tile(np.array([[6, 1]], dtype=np.int8), (500, 1))
    noise = np.random.default_rng(1).integers(0, 2**64, size=500, dtype=np.uint64)
    person = Mimic(shipped_people(), scorer, "people", 0.03)
    decisions = Decisions.make(board, dice[:1])
    assert len(decisions.candidates) > 1
    winning = np.flatnonzero(has_won(decisions.candidates))
    assert (person.choose(boards, dice, noise) == winning[0]).all()
