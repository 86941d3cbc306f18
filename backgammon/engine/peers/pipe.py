r"""What goes through the pipe between a peer's process and ours: batches of decisions one way, rows the other.

    to the peer      "choose N\n", then boards int8[N, 26] and dice int8[N, 2], row by row
    from the peer    "ready NAME\n" once at the start; then for each batch "rows N\n" and int32[N], little-endian

Instead of any of its lines the peer may send "error TEXT\n", and ends. Closing the pipe ends the peer.
"""

from __future__ import annotations

from typing import IO

import numpy as np
import numpy.typing as npt

from backgammon.rules.board import NUM_LOCATIONS
from backgammon.tools.arrays import Boards, Dice, Int32s

_MAX_LINE = 4096


def send_decisions(stream: IO[bytes], boards: Boards, dice: Dice) -> None:
    """Ask for the choices in N decisions, boards int8[N, 26] and dice int8[N, 2]."""
    stream.write(b"choose %d\n" % len(boards))
    stream.write(np.ascontiguousarray(boards, dtype=np.int8).tobytes())
    stream.write(np.ascontiguousarray(dice, dtype=np.int8).tobytes())
    stream.flush()


def receive_decisions(stream: IO[bytes]) -> tuple[Boards, Dice] | None:
    """The next batch; None when the other side has closed the pipe."""
    words = stream.readline(_MAX_LINE).split()
    if len(words) != 2 or words[0] != b"choose":
        return None
    count = int(words[1])
    boards = np.frombuffer(stream.read(NUM_LOCATIONS * count), dtype=np.int8).reshape(count, NUM_LOCATIONS)
    dice = np.frombuffer(stream.read(2 * count), dtype=np.int8).reshape(count, 2)
    return boards, dice


def send_rows(stream: IO[bytes], rows: npt.NDArray[np.integer]) -> None:
    """Answer a batch."""
    stream.write(b"rows %d\n" % len(rows))
    stream.write(rows.astype("<i4").tobytes())
    stream.flush()


def send_line(stream: IO[bytes], word: str, text: str) -> None:
    """Say that the peer is ready, or what went wrong."""
    stream.write(f"{word} {' '.join(text.split())}\n".encode())
    stream.flush()


def receive_line(stream: IO[bytes]) -> tuple[str, str]:
    """The first word and the rest of the next line; ("", "") when the pipe is closed."""
    word, _, text = stream.readline(_MAX_LINE).decode("utf-8", "replace").rstrip("\n").partition(" ")
    return word, text


def receive_rows(stream: IO[bytes], count: int) -> Int32s:
    """The int32[count] that follow a line "rows"."""
    return np.frombuffer(stream.read(4 * count), dtype="<i4").astype(np.int32)
