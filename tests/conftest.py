"""Positions and rolls that many tests share, made from fixed seeds."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

os.environ.setdefault("OMP_NUM_THREADS", "1")  # as many processes as cores run the suite: more threads only wait

import pytest

from backgammon.tools.arrays import Int8s
from tests.positions import nasty_decisions, random_play_decisions

collect_ignore = [] if os.environ.get("PAIRGAMMON_BROWSER") else ["browser"]
"""A browser is for `make test-web`."""

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # begun with & in a script: programs under test would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

Arrays = tuple[Int8s, Int8s]


@pytest.fixture(scope="session", autouse=True)
def no_timing() -> Iterator[None]:
    """A training run that ends times its data pipeline, which takes seconds; `test_training` alone lets it."""
    from comparison_net.training import loop

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "measure_pipeline", lambda *_: {"streamed": 2.0, "preloaded": 4.0})
        yield


@pytest.fixture(scope="session")
def random_play() -> Arrays:
    """(boards int8[4000, 26], dice int8[4000, 2]) from games of uniformly random play."""
    return random_play_decisions(4000, seed=11)


@pytest.fixture(scope="session")
def nasty() -> Arrays:
    """(boards int8[4000, 26], dice int8[4000, 2]) of positions built to trip a move generator."""
    return nasty_decisions(4000, seed=12)
