"""Compare the bear-off tables with GNU Backgammon's, every stored number of both.

    python -m scripts.check_bearoff [--one-sided gnubg_os0.bd] [--two-sided gnubg_ts0.bd]

Without paths the files of the PyPI package `gnubg` (extra [peers]) are taken. Exit code 1 if a number is beyond what
GNU Backgammon's own rounding explains. Nothing of that program runs here: only its two data files are read.

GNU Backgammon keeps 16-bit numbers and computes each entry from ROUNDED ones, so errors add up and near-equal plays
may be decided by rounding. Three questions are asked, from strict to practical:

1. Same rules, objectives and order? Its integer arithmetic is repeated over OUR successors; no number may differ.
2. Is our exact table the table that was rounded? The error that rounding can have caused is bounded for each entry
   (the local rounding, which is known exactly, plus the worst bound among the successors); none may exceed its bound.
   For a distribution the bounded quantity is its mean, which is what both tables minimise; the numbers themselves are
   bounded against our exact arithmetic along ITS plays.
3. How far apart are the two tables as they stand? Printed only.

Sources of the facts: the files themselves, and GNU Backgammon's makebearoff.c for how it rounds (no code is taken from
it). Both files: 40 bytes of text, then little-endian. One-sided: for each index 8 bytes (uint32 offset in 16-bit words,
number of words and first roll of "all off", the same of "first off"), then the words; 65535 = 1. Two-sided: for (own,
opponent) four uint16 = 32767.5 * (equity + 1): cubeless, owned, centred, opponent owns.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import click
import numpy as np

from backgammon.evaluation.bearoff.builder import compute_one_sided, compute_two_sided
from backgammon.evaluation.bearoff.index import num_positions
from backgammon.evaluation.bearoff.successors import NUM_ROLLS, ROLL_WEIGHTS, list_successors
from backgammon.tools.arrays import Float64s, Int32s, Int64s, Offsets
from backgammon.tools.jit import kernel
from scripts.program import program

POINTS, CHECKERS, EXACT_CHECKERS = 6, 15, 6
ONE, UNIT = 65535, 32767.5
NUM_SLOTS = 32


def read_one_sided(path: Path) -> tuple[Int64s, Int64s]:
    """(all off, first off), each int64[54264, 32] with sum 65535."""
    content = path.read_bytes()
    if not content.startswith(b"gnubg-OS-06-15-1-1-0"):
        raise SystemExit(f"{path}: not a compressed one-sided table of 6 points with gammons")
    size = num_positions(POINTS, CHECKERS)
    entries = np.frombuffer(content, np.uint8, 8 * size, 40).reshape(size, 8)
    starts = entries[:, :4].copy().view("<u4")[:, 0].astype(np.int64)
    words = np.frombuffer(content, "<u2", offset=40 + 8 * size).astype(np.int64)
    off, first = np.zeros((2, size, NUM_SLOTS), dtype=np.int64)
    for index, (start, entry) in enumerate(zip(starts.tolist(), entries[:, 4:].tolist(), strict=True)):
        num_off, roll_off, num_first, roll_first = entry
        off[index, roll_off : roll_off + num_off] = words[start : start + num_off]
        first[index, roll_first : roll_first + num_first] = words[start + num_off : start + num_off + num_first]
    return off, first


def read_two_sided(path: Path) -> Int64s:
    """The stored numbers, int64[924, 924, 4], 0..65535."""
    content = path.read_bytes()
    if not content.startswith(b"gnubg-TS-06-06-1"):
        raise SystemExit(f"{path}: not a two-sided table of 6 checkers on 6 points with cube states")
    size = num_positions(POINTS, EXACT_CHECKERS)
    return np.frombuffer(content, "<u2", offset=40).astype(np.int64).reshape(size, size, 4)


@kernel
def repeat_distributions(
    first: int,
    last: int,
    offsets: Offsets,
    targets: Int32s,
    weights: Int64s,
    integers: Int64s,
    totals: Int64s,
    exact: Float64s,
    bounds: Float64s,
    mean_bounds: Float64s,
) -> None:
    """Positions first..last-1: the integer recursion, our exact average along the same plays, and rounding bounds.

    Args:
        first: first position.
        last: one past the last position.
        offsets: of `list_successors`.
        targets: of `list_successors`.
        weights: int64[21], ways out of 36.
        integers: int64[N, 32], filled; the repeated 16-bit distributions.
        totals: int64[N], filled; 65535 times the mean of `integers`.
        exact: float64[N, 32], filled; unrounded distribution under the plays that the integers chose.
        bounds: float64[N, 32], filled; most that |integers - 65535 * exact| can be.
        mean_bounds: float64[N], filled; most that the mean can be off the true least mean, in rolls.
    """
    for index in range(first, last):
        sums = np.zeros(NUM_SLOTS, dtype=np.int64)
        for roll in range(NUM_ROLLS):
            row = NUM_ROLLS * (index - first) + roll
            best = targets[offsets[row]]
            worst_bound = 0.0
            for i in range(offsets[row], offsets[row + 1]):
                worst_bound = max(worst_bound, mean_bounds[targets[i]])
                if totals[targets[i]] < totals[best]:
                    best = targets[i]
            mean_bounds[index] += weights[roll] * worst_bound / 36.0
            for count in range(NUM_SLOTS - 1):
                sums[count + 1] += weights[roll] * integers[best, count]
                exact[index, count + 1] += weights[roll] * exact[best, count] / 36.0
                bounds[index, count + 1] += weights[roll] * bounds[best, count] / 36.0
        rounded = (sums + 18) // 36
        rounded[np.argmax(rounded)] -= rounded.sum() - ONE
        local = 0.0
        for count in range(NUM_SLOTS):
            integers[index, count] = rounded[count]
            totals[index] += count * rounded[count]
            bounds[index, count] += abs(rounded[count] - sums[count] / 36.0)
            local += count * (rounded[count] - sums[count] / 36.0)
        mean_bounds[index] += abs(local) / ONE


@kernel
def halve(value: int) -> int:
    """Half of a whole number, rounded towards 0."""
    return -((-value) // 2) if value < 0 else value // 2


@kernel
def repeat_cube_decision(no_double: int, double_take: int) -> int:
    """The integer form of `builder.cube_equity`; 32767 is +1."""
    if double_take < halve(no_double):
        return no_double
    return 32767 if double_take >= 16383 else 2 * double_take


@kernel
def repeat_two_sided(offsets: Offsets, targets: Int32s, weights: Int64s, integers: Int64s, bounds: Float64s) -> None:
    """Integer recursion into integers: int64[N, N, 4] (signed) and rounding bounds float64[N, N, 4] in units.

    Cutting to whole numbers costs less than 1 unit; doubling doubles the error below and adds at most 1 unit (the
    value -1 is -32768, so twice a value is half a unit off, and half a unit decides ties).
    """
    size = integers.shape[0]
    for total in range(2, 2 * size - 1):
        for own in range(max(1, total - size + 1), min(total - 1, size - 1) + 1):
            opponent = total - own
            sums = np.zeros(4, dtype=np.int64)
            for roll in range(NUM_ROLLS):
                row = NUM_ROLLS * (own - 1) + roll
                least = np.full(4, 1 << 20)
                worst = np.zeros(4)
                for i in range(offsets[row], offsets[row + 1]):
                    reply = integers[opponent, targets[i]]
                    bound = bounds[opponent, targets[i]]
                    doubled = 2.0 * bound[3] + 1.0
                    least[0] = min(least[0], reply[0])
                    least[1] = min(least[1], reply[3])
                    least[2] = min(least[2], repeat_cube_decision(reply[2], reply[3]))
                    least[3] = min(least[3], repeat_cube_decision(reply[1], reply[3]))
                    worst[0] = max(worst[0], bound[0])
                    worst[1] = max(worst[1], bound[3])
                    worst[2] = max(worst[2], max(bound[2], doubled))
                    worst[3] = max(worst[3], max(bound[1], doubled))
                for state in range(4):
                    sums[state] += weights[roll] * (-least[state] - 1)
                    bounds[own, opponent, state] += weights[roll] * worst[state] / 36.0
            for state in range(4):
                cut = -((-sums[state]) // 36) if sums[state] < 0 else sums[state] // 36
                integers[own, opponent, state] = cut
                bounds[own, opponent, state] += abs(cut - sums[state] / 36.0)


def report(label: str, num_beyond: int, num_entries: int, detail: str) -> bool:
    """Print one line; True when nothing is beyond."""
    print(f"  {label}: {num_beyond:,} of {num_entries:,} beyond; {detail}")
    return num_beyond == 0


def check_distributions(name: str, given: Int64s, ours: Float64s, num_done: int) -> bool:
    """One of the two one-sided distributions; positions below `num_done` need no roll."""
    size = len(given)
    integers, totals = np.zeros((size, NUM_SLOTS), dtype=np.int64), np.zeros(size, dtype=np.int64)
    exact, bounds, mean_bounds = np.zeros((size, NUM_SLOTS)), np.zeros((size, NUM_SLOTS)), np.zeros(size)
    integers[:num_done, 0], exact[:num_done, 0] = ONE, 1.0
    for first in range(num_done, size, 4096):
        last = min(first + 4096, size)
        offsets, targets = list_successors(first, last, POINTS, CHECKERS)
        repeat_distributions(first, last, offsets, targets, ROLL_WEIGHTS, integers, totals, exact, bounds, mean_bounds)
    counts = np.arange(NUM_SLOTS)
    print(f"one-sided, {name}: {size:,} positions, {given.size:,} numbers")
    differing = int((integers != given).sum())
    good = report("1. its integer arithmetic over our successors", differing, given.size, "bit for bit")
    gaps = np.abs(ours @ counts - given @ counts / ONE)
    beyond = int((gaps > mean_bounds + 1e-9).sum())
    good &= report("2. mean against its rounding bound", beyond, size, f"largest gap {gaps.max():.2e} rolls")
    along = np.abs(ONE * exact - given)
    beyond = int((along > bounds + 1e-6).sum())
    good &= report("2. numbers along its plays", beyond, given.size, f"largest gap {along.max():.2f} units of 1/65535")
    excess = (exact - ours) @ counts
    good &= report(
        "2. our mean is the least", int((excess < -1e-9).sum()), size, f"its plays cost up to {excess.max():.1e}"
    )
    apart = np.abs(ours - given / ONE).max(axis=1)
    print(
        f"  3. as they stand: largest gap of a probability {apart.max():.1e}; {np.mean(apart < 3 / ONE):.2%} of the "
        f"positions within 3/65535 (the others have plays that only rounding separates)"
    )
    return good


def check_two_sided(path: Path) -> bool:
    """Every equity of the two-sided table."""
    given = read_two_sided(path)
    size = len(given)
    ours = compute_two_sided(POINTS, EXACT_CHECKERS)
    integers, bounds = np.zeros((size, size, 4), dtype=np.int64), np.zeros((size, size, 4))
    integers[:, 0], integers[0] = -32768, 32767
    offsets, targets = list_successors(1, size, POINTS, EXACT_CHECKERS)
    repeat_two_sided(offsets, targets, ROLL_WEIGHTS, integers, bounds)
    print(f"two-sided: {size * size:,} positions, {given.size:,} equities")
    differing = int((integers + 32768 != given).sum())
    good = report("1. its integer arithmetic over our successors", differing, given.size, "bit for bit")
    gaps = np.abs(ours - (given / UNIT - 1))
    beyond = int((UNIT * gaps > bounds + 1e-6).sum())
    good &= report("2. equities against their rounding bounds", beyond, given.size, f"largest gap {gaps.max():.2e}")
    for state, name in enumerate(("cubeless", "player owns cube", "centred cube", "opponent owns cube")):
        gap = gaps[..., state]
        print(f"  3. as they stand, {name}: largest gap {gap.max():.2e}, mean {gap.mean():.2e}")
    return good


def packaged(name: str) -> Path:
    """The file as the PyPI package `gnubg` ships it."""
    found = importlib.util.find_spec("gnubg")
    if found is None or found.origin is None:
        raise SystemExit(f"{name}: give its path, or install the extra [peers]")
    return Path(found.origin).parent / "data" / name


@program(__doc__)
@click.option("--one-sided", type=click.Path(path_type=Path), help="gnubg_os0.bd (default: the PyPI package's).")
@click.option("--two-sided", type=click.Path(path_type=Path), help="gnubg_ts0.bd (default: the PyPI package's).")
@click.pass_context
def main(ctx: click.Context, one_sided: Path | None, two_sided: Path | None) -> None:
    """Run both comparisons; exit code 1 when a number is beyond its rounding."""
    off, first = read_one_sided(one_sided or packaged("gnubg_os0.bd"))
    ours_off, ours_first = compute_one_sided(POINTS, CHECKERS)
    num_below = len(off) - len(ours_first)
    done = np.zeros((num_below, NUM_SLOTS))
    done[:, 0] = 1.0
    good = check_distributions("all checkers off", off, ours_off, 1)
    good &= check_distributions("first checker off", first, np.concatenate([done, ours_first]), num_below)
    good &= check_two_sided(two_sided or packaged("gnubg_ts0.bd"))
    print("every number agrees up to GNU Backgammon's rounding" if good else "DIFFERENCES BEYOND ROUNDING")
    ctx.exit(0 if good else 1)


if __name__ == "__main__":
    main()
