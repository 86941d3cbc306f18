"""This processor's ceilings for the kernels: clock, arithmetic, bandwidth by cache level; what two threads gain.

    python -m scripts.ceilings

The best of many short runs is what an undisturbed core can do, which is what a ceiling means; `docs/performance.md`
holds the kernels' rates against it. Two threads over one are medians of nine, with the range.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from backgammon.tools.arrays import Float32s, Int32s, Int64s
from backgammon.tools.intrinsics import LANES, TILE_COLUMNS, TILE_ROWS, dense_tile
from backgammon.tools.jit import kernel
from scripts.program import program

_ROW = 256
"""Numbers of a table row: the first layer of a net 256-32."""
CHAIN_CYCLES = 4
"""Latency of a 64-bit multiplication (3) and an exclusive or (1) on the processors of the last ten years."""


@kernel
def _chain(steps: int) -> int:
    """A chain of dependent operations: CHAIN_CYCLES cycles a step."""
    value = 88172645463325252
    for step in range(steps):
        value = (value ^ step) * 0x5851F42D4C957F2D
    return value


@kernel
def _tiles(
    inputs: Float32s,
    used: Int32s,
    weights: Float32s,
    outputs: Float32s,
    num_inputs: int,
    repeats: int,
) -> None:
    """The tile of the hidden layers, everything in the first-level cache."""
    for _ in range(repeats):
        dense_tile(
            inputs, 0, num_inputs, used, num_inputs, weights, 0, LANES * num_inputs, outputs, 0, outputs, 0,
            TILE_COLUMNS, np.float32(0),
        )  # fmt: skip


@kernel
def _read(values: Int32s, repeats: int) -> np.int32:
    """Read an array over and over; integer sums, so that the loop becomes vectors."""
    total = np.int32(0)
    for _ in range(repeats):
        for i in range(values.shape[0]):
            total += values[i]
        values[0] = total
    return total


@kernel
def _pick(table: Int32s, total: Int32s, repeats: int) -> None:
    """Add rows of a table, each chosen by a generator of random numbers."""
    num_rows = table.shape[0] // _ROW
    state = 12345
    for _ in range(repeats):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        at = (state >> 8) % num_rows * _ROW
        for j in range(_ROW):
            total[j] += table[at + j]


@kernel
def _write(values: Int64s, repeats: int) -> None:
    """Write an array over and over."""
    for repeat in range(repeats):
        for i in range(values.shape[0]):
            values[i] = repeat


def two_threads(make_work: Callable[[], Callable[[], object]]) -> float:
    """Work per second of two threads over that of one; each thread has its own data."""
    seconds = []
    for number in (1, 2):
        threads = [threading.Thread(target=make_work()) for _ in range(number)]
        started = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds.append(time.perf_counter() - started)
    return 2 * seconds[0] / seconds[1]


def two_cores(repeats: int = 150_000) -> float:
    """`two_threads` of arithmetic that touches no memory beyond its own first-level cache.

    What the machine itself grants at this moment: 2 on two free cores, about 1 when another program, or the other
    guests of a virtual machine's host, hold one of them, or when both threads sit on one physical core.
    """

    def make_work() -> Callable[[], object]:
        inputs = np.zeros(TILE_ROWS * 256, dtype=np.float32)
        used = np.arange(256, dtype=np.int32)
        weights = np.zeros(TILE_COLUMNS * 256, dtype=np.float32)
        outputs = np.zeros(TILE_COLUMNS * TILE_ROWS, dtype=np.float32)
        return partial(_tiles, inputs, used, weights, outputs, 256, repeats)

    return two_threads(make_work)


def two_tables(rows: int, repeats: int = 4_000_000) -> float:
    """`two_threads` of adding rows of 1 KB, picked at random from a table of so many rows: what a first layer does."""

    def make_work() -> Callable[[], object]:
        return partial(_pick, np.ones(rows * _ROW, dtype=np.int32), np.zeros(_ROW, dtype=np.int32), repeats)

    return two_threads(make_work)


def fastest(work: Callable[[], object], tries: int = 25) -> float:
    """Seconds of the fastest of several calls."""
    work()
    best = float("inf")
    for _ in range(tries):
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
    return best


@program(__doc__)
def main() -> None:
    """Measure and print one line a ceiling."""
    steps = 2_000_000
    clock = steps * CHAIN_CYCLES / fastest(lambda: _chain(steps))
    print(f"clock                         {clock / 1e9:7.2f} GHz")
    num_inputs, repeats = 128, 4000
    inputs = np.ones(TILE_ROWS * num_inputs, dtype=np.float32)
    used = np.arange(num_inputs, dtype=np.int32)
    weights = np.ones(num_inputs * TILE_COLUMNS, dtype=np.float32)
    outputs = np.zeros(TILE_ROWS * TILE_COLUMNS, dtype=np.float32)
    seconds = fastest(lambda: _tiles(inputs, used, weights, outputs, num_inputs, repeats))
    flops = 2.0 * TILE_ROWS * TILE_COLUMNS * num_inputs * repeats / seconds
    print(f"dense tile in the L1 cache    {flops / 1e9:7.1f} Gflop/s   {flops / clock:6.1f} flop/cycle")
    for name, size in (("L1", 16 << 10), ("L2", 512 << 10), ("L3", 8 << 20)):
        values = np.zeros(size // 4, dtype=np.int32)
        wide = np.zeros(size // 8, dtype=np.int64)
        repeats = max(1, (32 << 20) // size)
        for verb, work in (
            ("read from", partial(_read, values, repeats)),
            ("write to", partial(_write, wide, repeats)),
        ):
            rate = size * repeats / fastest(work)
            print(f"{verb + ' ' + name:27s} {rate / 1e9:9.1f} GB/s      {rate / clock:6.1f} bytes/cycle")
    tables = {f"rows of {kilobytes:,} KB": partial(two_tables, kilobytes) for kilobytes in (32, 400, 800, 1600)}
    scales: dict[str, Callable[[], float]] = {"arithmetic": two_cores, **tables}
    for name, scale in scales.items():
        scale()
        ratios = sorted(scale() for _ in range(9))
        print(f"two threads, {name:18s} {ratios[4]:7.2f} x            {ratios[0]:.2f} to {ratios[-1]:.2f}")


if __name__ == "__main__":
    main()
