"""The two tables as files: what each is called, what it holds, how it is computed, which numbers it can have.

What a file holds follows from its name: `tensor_file` compares kind, size, types and shapes. The numbers are looked at
here, whatever the file says of itself: a look-up must never meet anything that is no chance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import comb
from pathlib import Path

import numpy as np

from backgammon.evaluation.bearoff.builder import Progress, compute_one_sided, compute_two_sided, num_roll_slots
from backgammon.evaluation.bearoff.index import MAX_POINTS, num_positions
from backgammon.rules.board import NUM_CHECKERS
from backgammon.tools.arrays import Float32s, Float64s
from backgammon.tools.errors import ConfigError, DataError
from backgammon.tools.tensor_file import Layout, map_tensors, write_tensors

FORMAT_VERSION = 2

Arrays = Mapping[str, Float32s]

MAX_BYTES = 4 << 30
"""Largest table that is computed, as float64 in memory."""

_NEGLIGIBLE = 1e-30  # smaller probabilities are stored as 0: float32 would keep them as slow subnormal numbers
_ROUNDING = 1e-5  # of the sum of a row of chances in float32


@dataclass(frozen=True)
class BearoffSize:
    """How much the tables cover; the defaults are GNU Backgammon's.

    Raises:
        ConfigError: a size that is not supported.
    """

    points: int = 6
    """One-sided: 15 checkers on so many points, 1..10."""
    exact_points: int = 6
    """Two-sided: points, 1..`points`."""
    exact_checkers: int = 6
    """Two-sided: checkers a side, 1..14."""

    def __post_init__(self) -> None:
        if not 1 <= self.points <= MAX_POINTS:
            raise ConfigError(f"bear-off points: {self.points} is not from 1 to {MAX_POINTS}")
        if not 1 <= self.exact_points <= self.points:
            raise ConfigError(
                f"two-sided bear-off points: {self.exact_points} is not from 1 to the one-sided table's {self.points}"
            )
        if not 1 <= self.exact_checkers < NUM_CHECKERS:
            raise ConfigError(f"two-sided bear-off checkers: {self.exact_checkers} is not from 1 to {NUM_CHECKERS - 1}")
        for name, needed in (("one-sided", self._one_sided_bytes()), ("two-sided", self._two_sided_bytes())):
            if needed > MAX_BYTES:
                raise ConfigError(
                    f"the {name} bear-off table would need {needed / 2**30:.1f} GiB of memory, more than the "
                    f"{MAX_BYTES / 2**30:.0f} GiB allowed: choose fewer points or checkers"
                )

    def _one_sided_bytes(self) -> int:
        return 2 * 8 * comb(self.points + NUM_CHECKERS, self.points) * num_roll_slots(self.points)

    def _two_sided_bytes(self) -> int:
        return 4 * 8 * num_positions(self.exact_points, self.exact_checkers) ** 2


DEFAULT_SIZE = BearoffSize()


@dataclass(frozen=True)
class TableFile:
    """One of the tables, whether its file exists or not.

    Attributes:
        name: "one-sided" or "two-sided".
        file_name: of the file; size and version are in it, so that other tables lie beside it.
        description: what the file says of itself.
        layout: the arrays it holds.
        compute: gives the arrays.
        check: raises ValueError where numbers cannot be those of such a table.
    """

    name: str
    file_name: str
    description: Mapping[str, int]
    layout: Layout
    compute: Callable[[Progress | None], Arrays]
    check: Callable[[Arrays], None]

    @property
    def _kind(self) -> str:
        return f"{self.name} bear-off table v{FORMAT_VERSION}"

    def write(self, folder: Path, arrays: Arrays) -> None:
        """Write the file whole; a file that is there is replaced.

        Raises:
            OSError: the folder cannot be written, or the disk is full; nothing is left behind.
        """
        write_tensors(folder / self.file_name, self._kind, arrays, self.description)

    def read(self, folder: Path) -> Arrays | None:
        """The arrays in the file, mapped into memory; None when there is no file.

        Raises:
            DataError: it cannot be read, is damaged, or is another table.
        """
        path = folder / self.file_name
        try:
            arrays = map_tensors(path, self._kind, self.layout, self.description)
            self.check(arrays)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
        except ValueError as error:
            raise DataError(f"{path}: damaged: {error}") from error
        return arrays


def table_files(size: BearoffSize) -> tuple[TableFile, TableFile]:
    """The one-sided and the two-sided table of a size."""
    return _one_sided(size.points), _two_sided(size.exact_points, size.exact_checkers)


def _one_sided(points: int) -> TableFile:
    num_all, num_below = num_positions(points, NUM_CHECKERS), num_positions(points, NUM_CHECKERS - 1)
    num_rolls = num_roll_slots(points)

    def compute(progress: Progress | None) -> Arrays:
        off, first_off = compute_one_sided(points, NUM_CHECKERS, progress)
        return {"off": _pack(off), "first_off": _pack(first_off)}

    return TableFile(
        "one-sided",
        f"one_sided-{points}.v{FORMAT_VERSION}.safetensors",
        {"points": points, "checkers": NUM_CHECKERS},
        {"off": ("float32", (num_all, num_rolls)), "first_off": ("float32", (num_all - num_below, num_rolls))},
        compute,
        _check_chances,
    )


def _two_sided(points: int, checkers: int) -> TableFile:
    num = num_positions(points, checkers)

    def compute(progress: Progress | None) -> Arrays:
        return {"equities": _pack(compute_two_sided(points, checkers, progress))}

    return TableFile(
        "two-sided",
        f"two_sided-{points}x{checkers}.v{FORMAT_VERSION}.safetensors",
        {"points": points, "checkers": checkers},
        {"equities": ("float32", (num, num, 4))},
        compute,
        _check_equities,
    )


def _pack(values: Float64s) -> Float32s:
    """`values` as read-only float32, like an array that comes from a file."""
    packed = np.where(np.abs(values) < _NEGLIGIBLE, 0.0, values).astype(np.float32)
    packed.setflags(write=False)
    return packed


def _check_chances(arrays: Arrays) -> None:
    for name, chances in arrays.items():
        if not (chances.min() >= 0 and chances.max() <= 1):  # false for NaN too
            raise ValueError(f"{name} holds numbers that are no chances")
        if not np.abs(chances.sum(axis=1) - 1).max() <= _ROUNDING:
            raise ValueError(f"{name} holds chances whose sum is not 1")


def _check_equities(arrays: Arrays) -> None:
    equities = arrays["equities"]
    if not (equities.min() >= -1 and equities.max() <= 1):
        raise ValueError("it holds numbers that are no equities")
