"""Other programs as players: the pipe, the process, and what happens when they are missing or fail."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import numpy as np
import pytest

from backgammon.engine.peers import PeerPlayer, is_peer, worker
from backgammon.engine.peers import peer_player as player
from backgammon.engine.peers.peer_evaluator import PeerEvaluator
from backgammon.engine.peers.peer_name import PeerName
from backgammon.engine.peers.peer_player import PeerError
from backgammon.engine.peers.pipe import receive_line, receive_rows, send_decisions
from backgammon.rules.board import START
from backgammon.rules.movegen import legal_candidates
from backgammon.tools.arrays import Int8s, Uint64s
from backgammon.tools.errors import ConfigError

Arrays = tuple[Int8s, Int8s]

LAST_ROW = """
import sys
import numpy as np
from backgammon.rules.movegen import legal_candidates
from backgammon.engine.peers.pipe import receive_batch, send_line, send_rows
send_line(sys.stdout.buffer, "ready", "last")
while (batch := receive_batch(sys.stdin.buffer)) is not None:
    if len(batch[0]) == {failing}:
        send_line(sys.stdout.buffer, "error", "out of order")
        break
    if len(batch[0]) == {dying}:
        break
    send_rows(sys.stdout.buffer, np.diff(legal_candidates(*batch)[1]) - 1)
"""


def noise(count: int) -> Uint64s:
    return np.zeros(count, dtype=np.uint64)


@pytest.fixture
def last_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that plays the last candidate, says "out of order" to 7 decisions and dies of 8."""
    program = LAST_ROW.format(failing=7, dying=8)
    monkeypatch.setattr(player, "_command", lambda _: [sys.executable, "-c", program])


@pytest.mark.usefixtures("last_row")
@pytest.mark.parametrize("processes", [1, 2])
def test_a_peer_answers_batches_in_order(processes: int, random_play: Arrays) -> None:
    boards, dice = random_play[0][:100], random_play[1][:100]
    expected = np.diff(legal_candidates(boards, dice)[1]) - 1
    with PeerPlayer("last", processes) as peer:
        assert peer.choose(boards, dice, noise(100)).tolist() == expected.tolist()
        assert peer.choose(boards[:1], dice[:1], noise(1)).tolist() == expected[:1].tolist()
        assert len(peer.choose(boards[:0], dice[:0], noise(0))) == 0
        children = list(peer._processes)
    assert all(child.returncode is not None for child in children)
    peer.close()


@pytest.mark.usefixtures("last_row")
def test_a_peer_that_fails_says_so(random_play: Arrays) -> None:
    with PeerPlayer("last") as peer, pytest.raises(PeerError, match="out of order"):
        peer.choose(random_play[0][:7], random_play[1][:7], noise(7))
    with PeerPlayer("last") as peer:
        for _ in range(2):
            with pytest.raises(PeerError, match="ended unexpectedly"):
                peer.choose(random_play[0][:8], random_play[1][:8], noise(8))


def test_names_of_peers() -> None:
    assert [is_peer(name) for name in ("gnubg:2", "gnubg:9", "sage:0", "pubeval", "model", "sage")] == [True] * 4 + [
        False
    ] * 2
    for wrong in ("gnubg:4", "gnubg:", "gnubg:1x", "sage:3"):
        with pytest.raises(ConfigError, match="known programs"):
            PeerPlayer(wrong)
    with pytest.raises(ConfigError):
        PeerPlayer("pubeval", processes=0)


def test_a_missing_package_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("gnubg", "gnubg_nn", "bgsage", "bgbot_cpp"):
        monkeypatch.setitem(sys.modules, package, None)
    sink = io.BytesIO()
    for name in ("gnubg:0", "sage:0", "pubeval"):
        worker.serve(name, io.BytesIO(), sink)
    sink.seek(0)
    assert [receive_line(sink)[0] for _ in range(3)] == ["error"] * 3
    program = "import sys; sys.stdout.write('error No module named gnubg\\n')"
    monkeypatch.setattr(player, "_command", lambda _: [sys.executable, "-c", program])
    for name, extra in (("gnubg:0", "peers"), ("sage:0", "sage"), ("pubeval", "peers")):
        with pytest.raises(PeerError, match=rf"^{name}: .* pip install 'pairgammon\[{extra}\]'$"):
            PeerPlayer(name)


def test_the_worker_answers_through_the_pipe() -> None:
    pytest.importorskip("gnubg_nn")
    source, sink = io.BytesIO(), io.BytesIO()
    send_decisions(source, START[None], np.array([[3, 1]], dtype=np.int8))
    source.seek(0)
    worker.serve("pubeval", source, sink)
    sink.seek(0)
    assert receive_line(sink) == ("ready", "pubeval")
    assert receive_line(sink) == ("rows", "1")
    assert len(receive_rows(sink, 1)) == 1


def test_gnubg_plays_the_openings_that_everybody_plays() -> None:
    pytest.importorskip("gnubg")
    chooser = worker.JudgeChooser(PeerName("gnubg", 0))
    deep = worker.JudgeChooser(PeerName("gnubg", 1))
    for roll, made in (((3, 1), (5, 6)), ((4, 2), (4, 8)), ((6, 1), (7, 13))):
        candidates, _ = legal_candidates(START[None].copy(), np.array([roll], dtype=np.int8))
        for engine in (chooser, deep):
            after = candidates[engine.choose(START, *roll, candidates)]
            assert after[made[0]] == 2, "the point is made"


def test_pubeval_plays_legally_wherever_it_is_asked(random_play: Arrays, nasty: Arrays) -> None:
    pytest.importorskip("gnubg_nn")
    chooser = worker.Pubeval()
    for boards, dice in (random_play, nasty):
        rows = worker.choose_rows(chooser, boards[:1500], dice[:1500])
        counts = np.diff(legal_candidates(boards[:1500], dice[:1500])[1])
        assert ((rows >= 0) & (rows < counts)).all()


JUDGE = """
import sys
import numpy as np
from backgammon.engine.peers.pipe import receive_batch, send_chances, send_line
send_line(sys.stdout.buffer, "ready", "judge")
while (batch := receive_batch(sys.stdin.buffer)) is not None:
    boards, dice = batch
    assert dice is None
    win = np.maximum(boards[:, 1:25], 0).sum(axis=1) / 20
    send_chances(sys.stdout.buffer, np.stack([win, win / 4, win * 0, (1 - win) / 4, win * 0], axis=1))
"""


@pytest.mark.parametrize("processes", [1, 2])
def test_a_peer_judges_positions_in_order(monkeypatch: pytest.MonkeyPatch, processes: int, random_play: Arrays) -> None:
    monkeypatch.setattr(player, "_command", lambda _: [sys.executable, "-c", JUDGE])
    boards = random_play[0][:50].copy()
    boards[3, boards[3] > 0] = 0  # who has just moved has no checker left: won, and nobody is asked
    with PeerPlayer("judge", processes) as peer:
        outcomes = PeerEvaluator(peer).outcomes(boards)
        assert len(peer.chances(boards[:0])) == 0
    assert outcomes[3, :3].sum() == 1
    wins = np.maximum(boards[:, 1:25], 0).sum(axis=1) / 20
    others = np.arange(50) != 3
    np.testing.assert_allclose(outcomes[others, :3].sum(axis=1), wins[others], atol=1e-6)
    np.testing.assert_allclose(outcomes.sum(axis=1), 1, atol=1e-6)


def test_a_peer_that_gives_no_chances_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(player, "_command", lambda _: [sys.executable, "-c", LAST_ROW.format(failing=1, dying=9)])
    with PeerPlayer("last") as peer, pytest.raises(PeerError, match="last: out of order"):
        peer.chances(START[None])


def test_a_peer_whose_listener_has_gone_ends_without_a_word() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "backgammon.engine.peers.worker", "gnubg:0"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert done.returncode == 1
    assert done.stderr == b""
