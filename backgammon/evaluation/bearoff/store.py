"""Where the tables lie, and how they come to be there: found, or computed in seconds on first use.

Folder: the argument, else `bearoff` in the folder that PAIRGAMMON_DATA names, else in the user's data folder. File
names carry the size and the format's version, so tables of other sizes and of other releases lie side by side.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from math import comb
from pathlib import Path

import numpy as np
import platformdirs

from backgammon.evaluation.bearoff.builder import Progress, compute_one_sided, compute_two_sided, num_roll_slots
from backgammon.evaluation.bearoff.database import Bearoff, Tables, make_tables
from backgammon.evaluation.bearoff.index import MAX_POINTS, num_positions
from backgammon.evaluation.bearoff.table_file import FORMAT_VERSION, TableFile, read_table, write_table
from backgammon.rules.board import NUM_CHECKERS
from backgammon.tools.arrays import Float32s, Float64s
from backgammon.tools.errors import ConfigError, DataError
from backgammon.tools.jit import APPLICATION

DATA_VARIABLE = "PAIRGAMMON_DATA"
"""Environment variable that names the folder for computed data."""

MAX_BYTES = 4 << 30
"""Largest table that is computed, as float64 in memory."""

_NEGLIGIBLE = 1e-30  # smaller probabilities are stored as 0: float32 would keep them as slow subnormal numbers


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


def bearoff_directory() -> Path:
    """The folder of the tables when none is given; it need not exist."""
    base = os.environ.get(DATA_VARIABLE)
    return (Path(base) if base else Path(platformdirs.user_data_dir(APPLICATION, appauthor=False))) / "bearoff"


def table_paths(size: BearoffSize = DEFAULT_SIZE, directory: Path | None = None) -> tuple[Path, Path]:
    """Files of the one-sided and the two-sided table, whether they exist or not."""
    folder = bearoff_directory() if directory is None else directory
    return (
        folder / f"one_sided-{size.points}.v{FORMAT_VERSION}.bearoff",
        folder / f"two_sided-{size.exact_points}x{size.exact_checkers}.v{FORMAT_VERSION}.bearoff",
    )


def _compute_one_sided(size: BearoffSize, progress: Progress | None) -> TableFile:
    off, first_off = compute_one_sided(size.points, NUM_CHECKERS, progress)
    arrays = {"off": _pack(off), "first_off": _pack(first_off)}
    return TableFile("one-sided", size.points, NUM_CHECKERS, arrays)


def _compute_two_sided(size: BearoffSize, progress: Progress | None) -> TableFile:
    equities = compute_two_sided(size.exact_points, size.exact_checkers, progress)
    return TableFile("two-sided", size.exact_points, size.exact_checkers, {"equities": _pack(equities)})


_COMPUTATIONS: tuple[Callable[[BearoffSize, Progress | None], TableFile], ...] = (
    _compute_one_sided,
    _compute_two_sided,
)
"""In the order of `table_paths`."""


def _pack(values: Float64s) -> Float32s:
    """`values` as read-only float32, like an array that comes from a file."""
    packed = np.where(np.abs(values) < _NEGLIGIBLE, 0.0, values).astype(np.float32)
    packed.setflags(write=False)
    return packed


def build(
    size: BearoffSize = DEFAULT_SIZE,
    directory: Path | None = None,
    progress: Progress | None = None,
    force: bool = False,
) -> list[Path]:
    """Compute the tables and write them; a table that is there and undamaged is kept.

    Args:
        size: what to cover.
        directory: folder for the files, made if missing; see the module's text for the default.
        progress: called with ("one-sided" or "two-sided", positions done, all positions).
        force: compute even what is there.

    Returns:
        The files that were written, none if both were there.

    Raises:
        DataError: a file that is there is damaged and `force` is not given.
        OSError: the folder cannot be written.
    """
    written: list[Path] = []
    for path, compute in zip(table_paths(size, directory), _COMPUTATIONS, strict=True):
        if not force and path.exists():
            _read_checked(path, size)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        write_table(path, compute(size, progress))
        written.append(path)
    return written


def open_tables(size: BearoffSize = DEFAULT_SIZE, directory: Path | None = None, full_check: bool = True) -> Bearoff:
    """The tables from their files, mapped into memory and shared between processes.

    Args:
        size: what they cover.
        directory: folder of the files; see the module's text for the default.
        full_check: see `table_file.read_table`.

    Raises:
        DataError: a file is missing, damaged, or of another size than its name says.
    """
    one_sided, two_sided = (_read_checked(path, size, full_check) for path in table_paths(size, directory))
    return Bearoff(_join(one_sided, two_sided))


def find_or_build(
    size: BearoffSize = DEFAULT_SIZE,
    directory: Path | None = None,
    notice: Callable[[str], None] | None = None,
    progress: Progress | None = None,
    rebuild: bool = False,
) -> Bearoff:
    """The tables, found or computed now (a second or two; compiling adds ten once); where the folder cannot be
    written they are kept in memory.

    Args:
        size: what to cover.
        directory: folder of the files; see the module's text for the default.
        notice: called with one line of text before tables are computed, and if they cannot be kept.
        progress: see `build`.
        rebuild: compute and replace what is there, damaged or not.

    Raises:
        DataError: a file is damaged and `rebuild` is not given.
    """
    found: list[TableFile] = []
    for path, compute in zip(table_paths(size, directory), _COMPUTATIONS, strict=True):
        if not rebuild and path.exists():
            found.append(_read_checked(path, size))
            continue
        if notice is not None:
            notice(f"computing a bear-off table, once, into {path}")
        table = compute(size, progress)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_table(path, table)
        except OSError as error:
            if notice is not None:
                notice(f"{path} cannot be written ({error.strerror}); the table is kept in memory this time")
        found.append(table)
    return Bearoff(_join(*found))


def _read_checked(path: Path, size: BearoffSize, full_check: bool = True) -> TableFile:
    """The table of a file, which must be the one that its name promises."""
    try:
        table = read_table(path, full_check)
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such bear-off table; make it with: pairgammon bearoff build") from None
    wanted = (
        ("one-sided", size.points, NUM_CHECKERS)
        if path.name.startswith("one_sided")
        else ("two-sided", size.exact_points, size.exact_checkers)
    )
    if (table.kind, table.points, table.checkers) != wanted:
        raise DataError(
            f"{path}: holds the {table.kind} table of {table.points} points and {table.checkers} checkers, which its "
            "name does not say; make it again with: pairgammon bearoff build --force"
        )
    return table


def _join(one_sided: TableFile, two_sided: TableFile) -> Tables:
    return make_tables(
        one_sided.points,
        one_sided.arrays["off"],
        one_sided.arrays["first_off"],
        (two_sided.points, two_sided.checkers),
        two_sided.arrays["equities"],
    )
