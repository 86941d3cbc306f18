"""Playing levels: errors that belong to a seed and a position, Luce's rule, strengths in order, the doors to them."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from backgammon.cli import main
from backgammon.cli.players import make_player
from backgammon.engine.levels import (
    LEVELS,
    RACE_SHARE,
    Level,
    LevelPlayer,
    candidate_equities,
    choice_chances,
    decision_scales,
    find_level,
    judgement_errors,
)
from backgammon.evaluation.bearoff import find_or_build
from backgammon.evaluation.exact import ExactEvaluator
from backgammon.evaluation.outcome import equities
from backgammon.evaluation.player import PipCountPlayer
from backgammon.learner.measure.level_fit import LevelGauge, gauge_levels
from backgammon.learner.net.scorer import load_scorer
from backgammon.records import read_labels
from backgammon.rules import ragged
from backgammon.rules.board import START, Board
from backgammon.rules.movegen import legal_candidates
from backgammon.table.duel import duel
from backgammon.tools.arrays import Boards, Dice, Int64s
from backgammon.tools.errors import ConfigError, ModelError
from backgammon.tools.stream import key_of_seed
from comparison_net.network_config import NetworkConfig
from tests.evaluators import PipEvaluator
from tests.random_nets import write_random_net

Arrays = tuple[Board, Board]
ROOT = Path(__file__).resolve().parent.parent
JUDGE = PipEvaluator()
CASUAL = LEVELS["casual"]


def choose(player: LevelPlayer, boards: Boards, dice: Dice) -> Int64s:
    return player.choose(boards, dice, np.zeros(len(boards), np.uint64))


def board(**points: int) -> Board:
    """board(p24=2, p1=-2): every other point is empty."""
    counts = np.zeros(26, dtype=np.int8)
    for name, count in points.items():
        counts[int(name[1:])] = count
    return counts


# Errors


def test_errors_belong_to_the_key_and_the_position_wherever_it_stands(random_play: Arrays) -> None:
    boards = np.unique(random_play[0], axis=0)
    key = key_of_seed(4)
    errors = judgement_errors(boards, key)
    order = np.random.default_rng(1).permutation(len(boards))
    assert (judgement_errors(boards[order], key) == errors[order]).all()
    assert judgement_errors(boards[7:8], key)[0] == errors[7]
    assert len(np.unique(errors)) == len(boards), "no two positions share an error"
    assert (judgement_errors(boards, key_of_seed(5)) != errors).all()


def test_errors_are_gumbel_numbers(random_play: Arrays) -> None:
    boards = np.unique(random_play[0], axis=0)
    errors = np.concatenate([judgement_errors(boards, key_of_seed(seed)) for seed in range(10)])
    assert errors.mean() == pytest.approx(np.euler_gamma, abs=0.03)
    assert errors.std() == pytest.approx(np.pi / np.sqrt(6), abs=0.03)
    assert (errors < 0).mean() == pytest.approx(np.exp(-1), abs=0.01)


# Choices


def test_a_choice_does_not_depend_on_the_batch(random_play: Arrays) -> None:
    boards, dice = (part[:300] for part in random_play)
    player = LevelPlayer(JUDGE, CASUAL, seed=3)
    together = choose(player, boards, dice)
    alone = [int(choose(player, boards[i : i + 1], dice[i : i + 1])[0]) for i in range(300)]
    assert together.tolist() == alone


def test_a_choice_depends_neither_on_threads_nor_on_the_noise_of_the_turn(random_play: Arrays) -> None:
    boards, dice = random_play
    one, two = (LevelPlayer(load_scorer(threads=threads), CASUAL, seed=3) for threads in (1, 2))
    noise = np.random.default_rng(2).integers(0, 1 << 64, len(boards), dtype=np.uint64)
    assert (choose(one, boards, dice) == two.choose(boards, dice, noise)).all()


def test_no_decisions_give_no_rows() -> None:
    assert choose(LevelPlayer(JUDGE, CASUAL), np.zeros((0, 26), np.int8), np.zeros((0, 2), np.int8)).shape == (0,)


def test_the_same_seed_gives_the_same_games_and_another_seed_others() -> None:
    def points(seed: int) -> list[list[int]]:
        players = LevelPlayer(JUDGE, CASUAL, seed), PipCountPlayer()
        found: list[list[int]] = duel(*players, num_games=60, seed=1).points.tolist()
        return found

    assert points(3) == points(3)
    assert points(3) != points(4)


@pytest.mark.parametrize("fixture", ["random_play", "nasty"])
def test_full_is_the_choice_by_equity(fixture: str, request: pytest.FixtureRequest) -> None:
    boards, dice = request.getfixturevalue(fixture)
    engine = ExactEvaluator(JUDGE, find_or_build())
    rows = choose(LevelPlayer(engine, LEVELS["full"]), boards, dice)
    candidates, offsets = legal_candidates(boards, dice)
    values = equities(engine.outcomes(candidates))
    # Rows may differ where a win and a position as good as won have the same equity.
    assert (values[offsets[:-1] + rows] == values[offsets[:-1] + ragged.best(values, offsets)]).all()


def test_a_winning_play_is_never_missed() -> None:
    # two checkers left and 21: bear off both, or play 2/1/off and keep the other
    boards, dice = board(p1=1, p2=1, p24=-1)[None], np.array([[2, 1]], np.int8)
    candidates, _ = legal_candidates(boards, dice)
    assert len(candidates) > 1
    for seed in range(200):
        row = choose(LevelPlayer(JUDGE, Level("blind", 100.0, None), seed), boards, dice)[0]
        assert not (candidates[row] > 0).any()


def test_over_all_seeds_candidates_are_chosen_by_luces_rule_of_their_equities() -> None:
    boards, dice = START[None].copy(), np.array([[6, 2]], np.int8)
    candidates, offsets = legal_candidates(boards, dice)
    values = candidate_equities(JUDGE, candidates)
    level = Level("some", 0.1, None)
    scales = decision_scales(boards, values, offsets, level.scale)
    chances = choice_chances(values, offsets, scales)
    for a, b in pairwise(range(len(values))):
        assert chances[a] / chances[b] == pytest.approx(np.exp((values[a] - values[b]) / level.scale))
    rows = [int(choose(LevelPlayer(JUDGE, level, seed), boards, dice)[0]) for seed in range(3000)]
    counts = np.bincount(rows, minlength=len(values))
    error = np.sqrt(3000 * chances * (1 - chances))
    assert (np.abs(counts - 3000 * chances) < 4 * error + 1).all()


def test_the_larger_the_scale_the_more_is_lost(random_play: Arrays) -> None:
    boards, dice = random_play
    candidates, offsets = legal_candidates(boards, dice)
    values = equities(JUDGE.outcomes(candidates))
    losses = []
    for scale in (0.0, 0.01, 0.03, 0.1, 0.3, 1.0):
        rows = choose(LevelPlayer(JUDGE, Level("some", scale, None)), boards, dice)
        losses.append(float((np.maximum.reduceat(values, offsets[:-1]) - values[offsets[:-1] + rows]).mean()))
    assert losses[0] == 0.0
    assert all(less < more for less, more in pairwise(losses))


def test_races_are_misjudged_less_and_what_is_decided_not_at_all() -> None:
    contact, race, won = START, board(p5=3, p4=3, p3=3, p20=-8), board(p1=3, p2=1, p24=-15)
    boards, dice = np.stack([contact, race, won]), np.array([[3, 1]] * 3, np.int8)
    candidates, offsets = legal_candidates(boards, dice)
    values = candidate_equities(JUDGE, candidates)
    values[offsets[2] :] = 2.0  # the net's own figure for a gammon that cannot be missed
    assert decision_scales(boards, values, offsets, 0.1).tolist() == [0.1, RACE_SHARE * 0.1, 0.0]


def test_unusable_levels_are_refused() -> None:
    with pytest.raises(ConfigError, match="no level 'weak'; there are beginner, casual"):
        find_level("weak")
    with pytest.raises(ConfigError, match="seed -1"):
        LevelPlayer(JUDGE, CASUAL, seed=-1)
    with pytest.raises(ConfigError, match=r"scale -0\.1"):
        LevelPlayer(JUDGE, Level("odd", -0.1, None))


# The table


def test_levels_stand_in_order_of_strength() -> None:
    scales = [level.scale for level in LEVELS.values()]
    assert all(weaker > stronger for weaker, stronger in pairwise(scales))
    assert scales[-1] == 0.0


@pytest.fixture(scope="module")
def gauge() -> LevelGauge:
    """What the model that ships makes of half of the labelled decisions."""
    [labels, *_] = sorted((ROOT / "data/labels").glob("*.xz"))
    return gauge_levels(read_labels([labels])[0], ExactEvaluator(load_scorer(), find_or_build()))


def test_levels_of_the_model_that_ships_lose_what_the_table_says(gauge: LevelGauge) -> None:
    # When this fails for another model: python -m scripts.level_scores data/labels/*.xz --refit
    for level in LEVELS.values():
        if level.rating is not None:
            assert gauge.rating(level.scale).value == pytest.approx(level.rating, rel=0.12)


def test_a_fitted_scale_gives_the_rating(gauge: LevelGauge) -> None:
    assert gauge.rating(gauge.fit(10.0)).value == pytest.approx(10.0, abs=0.01)
    with pytest.raises(ConfigError, match="this model can have"):
        gauge.fit(0.001)


# The doors


def invoke(*arguments: object, text: str | None = None) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments], input=text, catch_exceptions=False)


def test_play_takes_a_level() -> None:
    result = invoke("play", "--level", "casual", "--seed", 5, "--no-save", text="hint\n=1\nquit\n")
    assert result.exit_code == 0
    assert "You (X) against default casual (O), seed 5." in result.stdout
    assert "default casual " in result.stdout.split("seed 5.")[1], "it has played"


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("play", "--level", "casual", "--ply", 1), "--level casual plays without look-ahead"),
        (("play", "--level", "casual", "--opponent", "pipcount"), "--level casual is for the model"),
        (("duel", "model:weak", "random"), "no level 'weak'; there are beginner"),
        (("duel", "pipcount:casual", "random"), "levels are for models"),
        (("duel", "model@1:casual", "random"), "without look-ahead"),
    ],
)
def test_a_level_that_cannot_be_is_one_line(arguments: tuple[object, ...], part: str) -> None:
    result = invoke(*arguments)
    assert result.exit_code == 1
    [line] = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert part in line


def test_duels_take_levels_and_repeat() -> None:
    def points() -> float:
        result = invoke("duel", "model:expert", "model:beginner", "--games", 100, "--json")
        assert result.exit_code == 0
        report = json.loads(result.stdout)
        assert [report[seat]["player"] for seat in ("first", "second")] == ["default expert", "default beginner"]
        return float(report["points_per_game"])

    first = points()
    assert first > 0.3
    assert points() == first


def test_full_is_the_model_itself() -> None:
    assert make_player("model:full", threads=1).name == make_player("model", threads=1).name == "default"


def test_a_model_without_outcomes_has_no_levels(tmp_path: Path) -> None:
    path = write_random_net(tmp_path / "tiny.safetensors", NetworkConfig(hidden=(8,)))
    with pytest.raises(ModelError, match="gives no chances"):
        make_player(f"{path}:casual", threads=1)
    assert make_player(f"{path}:full", threads=1).name == "tiny"
