"""Where the tables lie, and how they come to be there: found, or computed in seconds on first use.

Folder: the argument, else `bearoff` in the folder for computed data (`tools.folders`). A file that is damaged is
computed again.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from math import prod
from pathlib import Path

from backgammon.evaluation.bearoff.builder import Progress
from backgammon.evaluation.bearoff.database import Bearoff, make_tables
from backgammon.evaluation.bearoff.table_file import DEFAULT_SIZE, Arrays, BearoffSize, TableFile, table_files
from backgammon.tools.errors import DataError, PairgammonWarning
from backgammon.tools.folders import DATA_VARIABLE, data_folder, is_writable, require_data_folder
from backgammon.tools.jobs.message import pack_message, unpack_columns, unpack_message
from backgammon.tools.jobs.unit_run import do_units
from backgammon.tools.jobs.work_unit import unit_of
from backgammon.tools.jobs.workers import Workers

TASK_VERSION = 1

Notice = Callable[[str], None]
"""Called with one line of text."""


def bearoff_directory() -> Path | None:
    """The folder of the tables when none is given; it need not exist. None where there is no place for one."""
    data = data_folder()
    return None if data is None else data / "bearoff"


def table_paths(size: BearoffSize = DEFAULT_SIZE, directory: Path | None = None) -> tuple[Path, Path]:
    """Files of the one-sided and the two-sided table, whether they exist or not.

    Raises:
        ConfigError: no folder is given, and there is no place for one.
    """
    folder = _require_folder(directory)
    one_sided, two_sided = table_files(size)
    return folder / one_sided.file_name, folder / two_sided.file_name


def build(
    size: BearoffSize = DEFAULT_SIZE,
    directory: Path | None = None,
    progress: Progress | None = None,
    force: bool = False,
    notice: Notice | None = None,
    workers: Workers | None = None,
) -> list[Path]:
    """Compute the tables and write them; a table that is there and undamaged is kept.

    The tables do not need each other, so two workers may compute them at once. Inside a table every part needs those
    before it: there is nothing more to share out.

    Args:
        size: what to cover.
        directory: folder for the files, made if missing; see the module's text for the default.
        progress: called with ("one-sided" or "two-sided", positions done, all positions).
        force: compute even what is there.
        notice: told when a file is damaged; None warns.
        workers: compute, and tell of progress table by table; None for the calling thread.

    Returns:
        The files that were written, none if both were there.

    Raises:
        ConfigError: no folder is given, and there is no place for one.
        OSError: the folder cannot be written.
    """
    folder = _require_folder(directory)
    written: list[Path] = []
    tables = table_files(size)
    found = [None] * len(tables) if force else _find(tables, folder, notice or _warn)
    missing = [table for table, arrays in zip(tables, found, strict=True) if arrays is None]
    made = (table.compute(progress) for table in missing)
    arrays_of = made if workers is None else _computed(missing, size, workers, progress)
    for table, arrays in zip(missing, arrays_of, strict=True):
        table.write(folder, arrays)
        written.append(folder / table.file_name)
    return written


def _computed(
    tables: Sequence[TableFile], size: BearoffSize, workers: Workers, progress: Progress | None
) -> Iterator[Arrays]:
    """The arrays of tables, computed by others."""
    units = [
        unit_of(compute_unit, TASK_VERSION, pack_message({"table": table.name, "size": asdict(size)}))
        for table in tables
    ]
    for table, result in zip(tables, do_units(units, workers), strict=True):
        columns = {name: (kind, shape[1:]) for name, (kind, shape) in table.layout.items()}
        found = unpack_columns(result, columns)[1]
        arrays = {name: found[name] for name in table.layout}
        if progress is not None:
            number = prod(next(iter(arrays.values())).shape[:-1])
            progress(table.name, number, number)
        yield arrays


def compute_unit(message: bytes) -> bytes:
    """A task: one of the tables of a size."""
    told, _ = unpack_message(message)
    (table,) = (one for one in table_files(BearoffSize(**told["size"])) if one.name == told["table"])
    return pack_message({}, table.compute(None))


def open_tables(size: BearoffSize = DEFAULT_SIZE, directory: Path | None = None) -> Bearoff:
    """The tables from their files, mapped into memory and shared between processes.

    Args:
        size: what they cover.
        directory: folder of the files; see the module's text for the default.

    Raises:
        ConfigError: no folder is given, and there is no place for one.
        DataError: a file is missing or damaged.
    """
    folder = _require_folder(directory)
    found: list[Arrays] = []
    for table in table_files(size):
        arrays = table.read(folder)
        if arrays is None:
            raise DataError(
                f"{folder / table.file_name}: there is no such bear-off table; make it with: pairgammon bearoff build"
            )
        found.append(arrays)
    return _join(size, found)


def find_or_build(
    size: BearoffSize = DEFAULT_SIZE,
    directory: Path | None = None,
    notice: Notice | None = None,
    progress: Progress | None = None,
) -> Bearoff:
    """The tables, found or computed now (a second or two; compiling adds ten once); where they cannot be written they
    are kept in memory.

    Args:
        size: what to cover.
        directory: folder of the files; see the module's text for the default.
        notice: told before tables are computed, if they cannot be kept, and when one is damaged; None warns of the
            last two.
        progress: see `build`.
    """
    folder = bearoff_directory() if directory is None else directory
    tell = notice or _warn
    tables = table_files(size)
    found = [None] * len(tables) if folder is None else _find(tables, folder, tell)
    whole = [arrays for arrays in found if arrays is not None]
    if len(whole) == len(tables):
        return _join(size, whole)
    keeps = _can_keep(folder, tell)
    if keeps and notice is not None:
        notice(f"computing bear-off tables, once, into {folder}")
    complete: list[Arrays] = []
    for table, arrays in zip(tables, found, strict=True):
        complete.append(table.compute(progress) if arrays is None else arrays)
        if arrays is None and keeps and folder is not None:
            keeps = _keep(table, folder, complete[-1], tell)
    return _join(size, complete)


def examine_tables(size: BearoffSize = DEFAULT_SIZE) -> dict[str, str | None]:
    """State of each table in the folder that is used when none is given: "" good, None not there, else the damage."""
    folder = bearoff_directory()
    states: dict[str, str | None] = {}
    for table in table_files(size):
        try:
            arrays = None if folder is None else table.read(folder)
            states[f"{table.name} bear-off"] = None if arrays is None else ""
        except DataError as error:
            states[f"{table.name} bear-off"] = f"{error}; it is computed again when needed"
    return states


def _require_folder(directory: Path | None) -> Path:
    return require_data_folder("bear-off tables") / "bearoff" if directory is None else directory


def _find(tables: Sequence[TableFile], folder: Path, tell: Notice) -> list[Arrays | None]:
    """The tables in files; None where one must be computed, because there is no file or a damaged one."""
    found: list[Arrays | None] = []
    damages: list[str] = []
    for table in tables:
        try:
            found.append(table.read(folder))
        except DataError as error:
            damages.append(str(error))
            found.append(None)
    if damages:
        tell(f"{'; '.join(damages)}; what is damaged is computed again")
    return found


def _can_keep(folder: Path | None, tell: Notice) -> bool:
    """True where tables can be written; says so where not."""
    if folder is not None and is_writable(folder):
        return True
    reason = "there is no folder for them" if folder is None else f"{folder} cannot be written"
    tell(
        f"bear-off tables cannot be kept ({reason}), so every start computes them again; set {DATA_VARIABLE} to a "
        "writable folder"
    )
    return False


def _keep(table: TableFile, folder: Path, arrays: Arrays, tell: Notice) -> bool:
    """Write a table; says so where that fails, as on a disk that is full."""
    try:
        table.write(folder, arrays)
    except OSError as error:
        tell(f"bear-off tables cannot be kept in {folder} ({error.strerror or error}); they stay in memory this time")
        return False
    return True


def _warn(text: str) -> None:
    warnings.warn(text, PairgammonWarning, stacklevel=3)


def _join(size: BearoffSize, found: list[Arrays]) -> Bearoff:
    one_sided, two_sided = found
    exact = (size.exact_points, size.exact_checkers)
    return Bearoff(make_tables(size.points, one_sided["off"], one_sided["first_off"], exact, two_sided["equities"]))
