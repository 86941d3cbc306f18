"""Folders of our own: where computed data and compiled kernels are kept. There is no other way to find them.

    data      what PAIRGAMMON_DATA names, else the user's data folder (~/.local/share/pairgammon on Linux)
    kernels   what NUMBA_CACHE_DIR names, else the user's cache folder (~/.cache/pairgammon), else one for this user
              alone in the system's folder for temporary files

A process in a container may have no HOME, and its user no entry in the user database: then there is no data folder, and
what would be kept there is computed again by each process. Nothing here is created but the temporary folder.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import platformdirs

from backgammon.tools.errors import ConfigError

APPLICATION = "pairgammon"

DATA_VARIABLE = "PAIRGAMMON_DATA"
"""Environment variable that names the folder for computed data."""

KERNELS_VARIABLE = "NUMBA_CACHE_DIR"
"""Environment variable that names the folder for compiled kernels; numba's own, so that one setting is enough."""


def data_folder() -> Path | None:
    """The folder for computed data, which need not exist; None where there is no place for one."""
    named = os.environ.get(DATA_VARIABLE)
    return Path(named).absolute() if named else _user_folder(platformdirs.user_data_dir)


def require_data_folder(purpose: str) -> Path:
    """The folder for computed data, for somebody who cannot do without.

    Args:
        purpose: what would lie there, for the message.

    Raises:
        ConfigError: there is no place for one.
    """
    folder = data_folder()
    if folder is None:
        raise ConfigError(f"there is no folder for {purpose}: name one, or set {DATA_VARIABLE}")
    return folder


def kernel_folders() -> Iterator[Path]:
    """Folders for compiled kernels, the first that can be used counts; a folder that the user names stands alone."""
    named = os.environ.get(KERNELS_VARIABLE)
    if named:
        yield Path(named).absolute()
        return
    own = _user_folder(platformdirs.user_cache_dir)
    if own is not None:
        yield own
    temporary = _private_temporary_folder()
    if temporary is not None:
        yield temporary


def is_writable(folder: Path) -> bool:
    """True where files can be made in a folder, which is created if it is missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


def _user_folder(locate: Callable[..., str]) -> Path | None:
    """A folder of the user as the system's conventions name it; None where the user has no home."""
    try:
        path = Path(locate(APPLICATION, appauthor=False))
    except RuntimeError:
        return None
    return path if path.is_absolute() else None  # older platformdirs give "~/..." as it stands


def _private_temporary_folder() -> Path | None:
    """A folder that nobody but this user can write; None where there is none, or somebody else took its name first."""
    if os.name != "posix":
        return None
    try:
        path = Path(tempfile.gettempdir()) / f"{APPLICATION}-{os.geteuid()}"
        path.mkdir(mode=0o700, exist_ok=True)
        found = path.lstat()
    except OSError:
        return None
    is_private = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022
    return path if is_private else None
