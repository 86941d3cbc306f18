"""The process of a peer: `python -m backgammon.engine.peers.worker gnubg:2`, or `pubeval`; `pipe` says what it reads.

GNU Backgammon and Open Sage judge our candidates, see `peer_judge`. Pubeval (PyPI package `gnubg-nn`) is Tesauro's
public benchmark player of 1993.
"""

from __future__ import annotations

import os
import signal
import sys
from itertools import pairwise
from typing import IO, Protocol

import numpy as np

from backgammon.engine.peers.gnubg_judge import engine_boards
from backgammon.engine.peers.judge_loader import load_judge
from backgammon.engine.peers.peer_name import PEER_JUDGES, PeerName
from backgammon.engine.peers.pipe import receive_batch, send_chances, send_line, send_rows
from backgammon.rules.board import Board
from backgammon.rules.decision import move_in_place
from backgammon.rules.movegen import legal_candidates
from backgammon.tools.arrays import Boards, Dice, Float64s, Int64s


class Chooser(Protocol):
    """A peer."""

    name: str

    def choose(self, board: Board, die1: int, die2: int, candidates: Boards) -> int:
        """The row of candidates int8[K, 26], K > 1, that it plays on board int8[26]."""

    def chances(self, boards: Boards) -> Float64s:
        """Cumulative chances float64[N, 5] of who has just moved in boards int8[N, 26], games that are not over.

        Raises:
            LookupError: it gives none.
        """


class JudgeChooser:
    """A program that judges: it plays what it ranks first."""

    def __init__(self, name: PeerName) -> None:
        """Load the program.

        Raises:
            ImportError: the package is not installed.
        """
        self.name = f"{name.program}:{name.plies}"
        self._judge = load_judge(name)

    def choose(self, board: Board, die1: int, die2: int, candidates: Boards) -> int:  # noqa: ARG002 - the protocol
        """See `Chooser.choose`."""
        return self._judge.rank(candidates).rows[0]

    def chances(self, boards: Boards) -> Float64s:
        """See `Chooser.chances`; those of the nets alone, whatever the ply."""
        return self._judge.chances(boards, 0)


class Pubeval:
    """Tesauro's pubeval."""

    name = "pubeval"

    def __init__(self) -> None:
        """Load the package.

        Raises:
            ImportError: it is not installed.
        """
        import gnubg_nn

        self._best_move = gnubg_nn.pub_best_move

    def choose(self, board: Board, die1: int, die2: int, candidates: Boards) -> int:
        """See `Chooser.choose`.

        Raises:
            LookupError: the package played something that the rules do not allow.
        """
        sides = [list(side) for side in next(engine_boards(board[None]))]
        moves = self._best_move(sides, die1, die2)
        after = board.copy()
        for source, target in zip(moves[::2], moves[1::2], strict=True):  # 0-based; below 0 is off
            move_in_place(after, source + 1, max(target + 1, 0))
        hits = np.flatnonzero((candidates == after).all(axis=1))
        if not len(hits):
            raise LookupError(f"pubeval played {moves} with {die1}{die2} on {board.tolist()}, which is not legal")
        return int(hits[0])

    def chances(self, boards: Boards) -> Float64s:  # noqa: ARG002 - the protocol
        """See `Chooser.chances`.

        Raises:
            LookupError: always; it only orders plays.
        """
        raise LookupError("pubeval orders plays and gives no chances")


def make_chooser(text: str) -> Chooser:
    """The peer of a name: that of a program that judges, or "pubeval".

    Raises:
        ImportError: its package is not installed.
    """
    return Pubeval() if text == Pubeval.name else JudgeChooser(PEER_JUDGES[text])


def choose_rows(chooser: Chooser, boards: Boards, dice: Dice) -> Int64s:
    """Rows int64[N] that a peer plays; a forced play is not asked for."""
    candidates, offsets = legal_candidates(boards, dice)
    rows = np.zeros(len(boards), dtype=np.int64)
    for i, (start, stop) in enumerate(pairwise(offsets.tolist())):
        if stop - start > 1:
            rows[i] = chooser.choose(boards[i], int(dice[i, 0]), int(dice[i, 1]), candidates[start:stop])
    return rows


def serve(name: str, source: IO[bytes], sink: IO[bytes]) -> None:
    """Answer batches until the pipe is closed."""
    try:
        chooser = make_chooser(name)
        send_line(sink, "ready", chooser.name)
        while (batch := receive_batch(source)) is not None:
            boards, dice = batch
            if dice is None:
                send_chances(sink, chooser.chances(boards))
            else:
                send_rows(sink, choose_rows(chooser, boards, dice))
    except (ImportError, LookupError) as error:
        send_line(sink, "error", str(error))


def main() -> None:
    """Serve on standard input and output; what the packages print goes to standard error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks; it closes the pipe
    try:
        with os.fdopen(os.dup(1), "wb") as sink:
            os.dup2(2, 1)
            serve(sys.argv[1], sys.stdin.buffer, sink)
    except BrokenPipeError:  # whoever asked has gone, or has heard the same from a peer beside this one
        sys.exit(1)


if __name__ == "__main__":
    main()
