r"""What goes through the pipe between a peer's process and ours: batches one way, rows or chances the other.

    to the peer      "choose N\n", then boards int8[N, 26] and dice int8[N, 2], row by row
                     "judge N\n", then boards int8[N, 26], positions after a play seen by who has made it
    from the peer    "ready NAME\n" once at the start; then for each batch "rows N\n" and int32[N], or "chances N\n" and
                     float32[N, 5], cumulative as GNU Backgammon's, of who has just moved, little-endian

Instead of any of its lines the peer may send "error TEXT\n", and ends. Closing the pipe ends the peer.
"""

from __future__ import annotations

from typing import IO

import numpy as np
import numpy.typing as npt

from backgammon.rules.board import NUM_LOCATIONS
from backgammon.tools.arrays import Boards, Dice, Float32s, Int32s

_MAX_LINE = 4096


def send_decisions(stream: IO[bytes], boards: Boards, dice: Dice) -> None:
    """Ask for the choices in N decisions, boards int8[N, 26] and dice int8[N, 2]."""
    stream.write(b"choose %d\n" % len(boards))
    stream.write(np.ascontiguousarray(boards, dtype=np.int8).tobytes())
    stream.write(np.ascontiguousarray(dice, dtype=np.int8).tobytes())
    stream.flush()


def send_positions(stream: IO[bytes], boards: Boards) -> None:
    """Ask for the chances in N positions after a play, boards int8[N, 26]."""
    stream.write(b"judge %d\n" % len(boards))
    stream.write(np.ascontiguousarray(boards, dtype=np.int8).tobytes())
    stream.flush()


def receive_batch(stream: IO[bytes]) -> tuple[Boards, Dice | None] | None:
    """The next batch, without dice where positions are to be judged; None when the other side has closed the pipe."""
    words = stream.readline(_MAX_LINE).split()
    if len(words) != 2 or words[0] not in (b"choose", b"judge"):
        return None
    count = int(words[1])
    boards = np.frombuffer(stream.read(NUM_LOCATIONS * count), dtype=np.int8).reshape(count, NUM_LOCATIONS)
    if words[0] == b"judge":
        return boards, None
    dice = np.frombuffer(stream.read(2 * count), dtype=np.int8).reshape(count, 2)
    return boards, dice


def send_chances(stream: IO[bytes], chances: npt.NDArray[np.floating]) -> None:
    """Answer a batch of positions, [N, 5]."""
    stream.write(b"chances %d\n" % len(chances))
    stream.write(chances.astype("<f4").tobytes())
    stream.flush()


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


def receive_chances(stream: IO[bytes], count: int) -> Float32s:
    """The float32[count, 5] that follow a line "chances"."""
    return np.frombuffer(stream.read(20 * count), dtype="<f4").astype(np.float32).reshape(count, 5)
