"""Threads that share a piece of work: every piece once, in order, and nothing runs on after an error."""

from __future__ import annotations

import threading
import time

import pytest

from backgammon.tools.crew import Crew
from backgammon.tools.errors import ConfigError


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
@pytest.mark.parametrize("count", [0, 1, 2, 7, 100])
def test_every_piece_is_done_once_and_the_results_keep_their_order(threads: int, count: int) -> None:
    done: list[int] = []

    def work(piece: int) -> int:
        done.append(piece)
        return piece * piece

    assert Crew(threads, "test").map(work, range(count)) == [piece * piece for piece in range(count)]
    assert sorted(done) == list(range(count))


def test_the_caller_works_too_and_nobody_else_beyond_the_threads() -> None:
    seen = set()
    meeting = threading.Barrier(3, timeout=20)  # passes only if three threads are at work at the same time

    def work(piece: int) -> None:
        seen.add(threading.current_thread())
        if piece < 3:
            meeting.wait()

    Crew(3, "test").map(work, range(30))
    assert threading.current_thread() in seen
    assert len(seen) == 3


@pytest.mark.parametrize("wrong", [0, 1, 9])
def test_an_error_reaches_the_caller_and_ends_the_work(wrong: int) -> None:
    begun: list[int] = []
    running = []

    def work(piece: int) -> None:
        begun.append(piece)
        running.append(piece)
        time.sleep(0.002)
        running.remove(piece)
        if piece == wrong:
            raise ValueError(f"piece {piece}")

    with pytest.raises(ValueError, match=f"piece {wrong}"):
        Crew(2, "test").map(work, range(1000))
    assert not running, "a piece is still being worked on"
    assert len(begun) < 100
    time.sleep(0.02)
    assert len(begun) < 100


def test_a_crew_serves_several_callers_and_itself() -> None:
    crew = Crew(2, "test")

    def inner(piece: int) -> int:
        return sum(crew.map(lambda number: number, range(piece)))

    def outer(_: int) -> list[int]:
        return crew.map(inner, range(20))

    assert Crew(4, "callers").map(outer, range(8)) == [[piece * (piece - 1) // 2 for piece in range(20)]] * 8


def test_no_thread_at_all_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least 1"):
        Crew(0, "test")
