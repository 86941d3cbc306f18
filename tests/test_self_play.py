"""Games as shards: what is recorded is what the player prefers, also where the play was random."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import numpy as np
import pytest

from backgammon.learner.data.shards import Shards, open_shards
from backgammon.learner.net.scorer import load_scorer
from backgammon.rules.board import swap
from backgammon.rules.movegen import legal_candidates
from scripts import self_play


def play(out: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> Shards:
    arguments = ["self_play", "--games", "3", "--noise", "0", "0.5", "--seed", "4", "--out", str(out), *options]
    monkeypatch.setattr(sys, "argv", arguments)
    assert self_play.main() == 0
    return open_shards(out)


def test_the_chosen_candidate_is_the_nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shards = play(tmp_path / "own", monkeypatch)
    rows = load_scorer().choose(np.array(shards.boards), np.array(shards.dice))
    assert shards.chosen.tolist() == rows.tolist()
    assert set(shards.game.tolist()) == {0, 1, 2}
    is_quiet = np.isin(shards.game, [0, 2])  # no random plays
    assert (shards.points[is_quiet] != 0).all()
    candidates, offsets = legal_candidates(np.array(shards.boards), np.array(shards.dice))
    noisy = np.flatnonzero(shards.game == 1)
    noisy_points = shards.points[noisy]
    assert 0.2 < (noisy_points == 0).mean() < 0.8, "half the plays are random, and some of them the preferred one"
    for here, following in itertools.pairwise(noisy.tolist()):
        is_preferred = (swap(candidates[offsets[here] + rows[here]]) == shards.boards[following]).all()
        assert (shards.points[here] != 0) == is_preferred


def test_gnu_backgammon_plays_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gnubg")
    from backgammon.engine.peers.gnubg_judge import GnubgJudge

    shards = play(tmp_path / "theirs", monkeypatch, "--model", "gnubg:0")
    candidates, offsets = legal_candidates(np.array(shards.boards), np.array(shards.dice))
    judge = GnubgJudge(0)
    rows = np.random.default_rng(1).permutation(len(shards))[:40].tolist()
    for i in rows:
        own = candidates[offsets[i] : offsets[i + 1]]
        if (own > 0).any(axis=1).all():
            assert shards.chosen[i] == judge.rank(own).rows[0]
