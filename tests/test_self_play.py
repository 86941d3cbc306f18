"""Games of a player against itself: what is recorded, whoever plays them, however often they are interrupted."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from backgammon.cli import main
from backgammon.learner.data.shards import Shards, open_shards
from backgammon.learner.teach import self_play
from backgammon.learner.teach.self_play import GamesPlan, play_games
from backgammon.learner.teach.teacher import PackedTeacher, TeacherSpec, find_teacher, pack_teacher
from backgammon.records import read_logs
from backgammon.rules.board import swap
from backgammon.rules.movegen import legal_candidates
from backgammon.tools.errors import ConfigError
from backgammon.tools.jobs.workers import ProcessWorkers, ThreadWorkers


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Result:
        given = ["self-play", "--seed", "4", *map(str, arguments)]
        return CliRunner().invoke(main, given, catch_exceptions=False)

    return run


@pytest.fixture(scope="module")
def player() -> PackedTeacher:
    return pack_teacher(TeacherSpec())


def played(shards: Shards) -> None:
    """What every set of games has to be."""
    candidates, offsets = legal_candidates(np.array(shards.boards), np.array(shards.dice))
    for game in set(shards.game.tolist()):
        rows = np.flatnonzero(shards.game == game)
        for here, following in itertools.pairwise(rows.tolist()):
            own = candidates[offsets[here] : offsets[here + 1]]
            assert (swap(own) == shards.boards[following]).all(axis=1).any(), "the next position comes from this one"
            is_preferred = (swap(own[shards.chosen[here]]) == shards.boards[following]).all()
            assert (shards.points[here] != 0) == is_preferred


def test_shards_hold_what_the_player_prefers_and_no_result_of_plays_that_were_not_made(
    invoke: Callable[..., Result], player: PackedTeacher
) -> None:
    result = invoke("--games", 3, "--random", 0, "--random", 0.5, "--out", "games")
    assert result.exit_code == 0, result.output
    shards = open_shards(Path("games"))
    rows = find_teacher(player.values).choose(np.array(shards.boards), np.array(shards.dice))
    assert shards.chosen.tolist() == rows.tolist()
    played(shards)
    assert (shards.points[shards.game != 1] != 0).all(), "no random play in games 0 and 2"
    assert 0.2 < (shards.points[shards.game == 1] == 0).mean() < 0.8, "some random plays are the preferred one"
    assert sorted(path.name for path in Path().iterdir()) == ["games"]
    forced = invoke("--games", 3, "--random", 0, "--random", 0.5, "--only-forced", "--out", "forced")
    assert forced.exit_code == 0
    assert len(open_shards(Path("forced"))) == (shards.counts == 1).sum()


def test_a_log_holds_the_games_as_they_were_played(invoke: Callable[..., Result], player: PackedTeacher) -> None:
    plan = GamesPlan(3, (0.0, 0.5), 4)
    found = play_games(player, plan)
    for name in ("games.mat.xz", "games.jsonl", "games.sgf"):
        result = invoke("--games", 3, "--random", 0, "--random", 0.5, "--out", name)
        assert result.exit_code == 0, result.output
        games = list(reading := read_logs([name]))
        assert not reading.report.rejected
        assert [game.points for game in games] == found.winnings.tolist()
        afters = np.concatenate([game.plays.afters for game in games])
        candidates = found.decisions.candidates[found.decisions.places(found.played)]
        has_moved = (candidates != found.decisions.boards).any(axis=1)  # a dance is no play
        np.testing.assert_array_equal(afters, candidates[has_moved])


@pytest.mark.parametrize("workers", [ThreadWorkers(2), ProcessWorkers(2)])
def test_the_games_do_not_depend_on_the_workers_nor_on_the_units(
    workers: ThreadWorkers | ProcessWorkers, player: PackedTeacher, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = GamesPlan(7, (0.0, 0.3), 2)
    whole = play_games(player, plan)
    monkeypatch.setattr(self_play, "GAMES_OF_UNIT", {0: 3})
    parts = play_games(player, plan, workers)
    for name in ("played", "seats", "points", "winnings"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
    np.testing.assert_array_equal(parts.decisions.boards, whole.decisions.boards)


def test_interrupted_games_go_on(invoke: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_play, "GAMES_OF_UNIT", {0: 2})
    plain = invoke("--games", 6, "--workers", 1, "--out", "plain")
    assert plain.exit_code == 0, plain.output
    play_unit = self_play.play_unit
    calls: list[int] = []

    def stops(message: bytes) -> bytes:
        calls.append(len(calls))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return play_unit(message)

    stops.__module__, stops.__qualname__ = play_unit.__module__, play_unit.__qualname__
    monkeypatch.setattr(self_play, "play_unit", stops)
    assert invoke("--games", 6, "--workers", 1, "--out", "again").exit_code == 130
    assert invoke("--games", 6, "--workers", 1, "--out", "again").exit_code == 0
    assert len(calls) == 4, "two units were kept"
    assert open_shards(Path("again")).manifest == open_shards(Path("plain")).manifest
    assert sorted(path.name for path in Path().iterdir()) == ["again", "plain"]


def test_gnu_backgammon_plays_too(invoke: Callable[..., Result]) -> None:
    pytest.importorskip("gnubg")
    from backgammon.engine.peers.gnubg_judge import GnubgJudge

    assert invoke("--player", "gnubg:0", "--games", 2, "--out", "theirs").exit_code == 0
    shards = open_shards(Path("theirs"))
    played(shards)
    candidates, offsets = legal_candidates(np.array(shards.boards), np.array(shards.dice))
    judge = GnubgJudge(0)
    for i in np.random.default_rng(1).permutation(len(shards))[:40].tolist():
        own = candidates[offsets[i] : offsets[i + 1]]
        if (own > 0).any(axis=1).all() and len(own) > 1:
            assert shards.chosen[i] == judge.rank(own).rows[0]


def test_what_cannot_be_or_has_no_effect_is_refused_in_one_line(invoke: Callable[..., Result]) -> None:
    for options, said in (
        (("--out", "games.mat", "--only-forced"), "is for shards"),
        (("--out", "games", "--random", 2), "from 0 to 1"),
        (("--out", "games.doc"), "no format is written"),
        (("--out", "games", "--player", "gnubg:9"), "write gnubg:0"),
        (("--out", "games", "--player", "gnubg:0", "--ply", 1), "looks ahead by itself"),
        (("--out", "games", "--workers", "many"), "local:N"),
    ):
        result = invoke("--games", 2, *options)
        assert result.exit_code == 1, options
        assert said in result.stderr
        assert len(result.stderr.splitlines()) == 1
    with pytest.raises(ConfigError, match="at least 1 game"):
        GamesPlan(0)
