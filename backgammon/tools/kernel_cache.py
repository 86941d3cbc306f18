"""Compiled kernels on disk: never stale, and never run unless they are, byte for byte, what was written.

    <folder>/kernels/<module>-<key>/<kernel>-<line>.py<version>-<signature>.nbc

The key changes with every source whose values a kernel of the module freezes (`kernel_key`). A file is a magic number,
a SHA-256 of its place and its content, and the content: numba's own serialised code behind the signature that it was
compiled for. So a file that was cut, emptied, altered or swapped is found before numba sees it. It is compiled again
and replaced, and one warning says so; `pairgammon doctor` looks through all of them.

The content is a pickle, the form that numba gives its code, and no other file is read as one. Whoever can write the
folder decides what runs, as with Python's own compiled files: the digest is against damage, not against an intruder. So
the folder is this user's own, or one that the user names, and nothing that somebody sends comes into it.
"""

from __future__ import annotations

import hashlib
import pickle
import shutil
import time
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from numba.core import caching, serialize

from backgammon.tools.errors import PairgammonWarning
from backgammon.tools.folders import KERNELS_VARIABLE, is_writable, kernel_folders
from backgammon.tools.kernel_key import module_key
from backgammon.tools.storage import replace_file

_MAGIC = b"PGKERN\r\n"
_DIGEST_BYTES = 32
_SUFFIX = ".nbc"
_MONTH = 30 * 86_400
"""Seconds after which a folder that nobody used is removed: its sources have changed, or its version is gone."""
_DAY = 86_400

_Caching: Any = caching  # untyped
_Serialize: Any = serialize  # untyped

_said: set[str] = set()
"""Warnings that have been given: each comes once."""


@cache
def kernel_folder() -> Path | None:
    """Where compiled kernels are kept; None when they cannot be kept, nor found."""
    for folder in kernel_folders():
        path = folder / "kernels"
        if is_writable(path) or any(_files(path)):
            return path
    return None


def module_folder(function: Callable[..., Any]) -> Path | None:
    """Where the kernels of a function's module are kept; None when they cannot be."""
    folder = kernel_folder()
    return None if folder is None else folder / f"{function.__module__}-{module_key(function)}"


def keep_compiled(dispatcher: Any, function: Callable[..., Any]) -> None:
    """Let numba's dispatcher of a kernel look here before it compiles, and leave here what it compiled."""
    folder = module_folder(function)
    if folder is None:
        _warn_once(
            "no folder for compiled kernels can be written, so every start compiles them again (about 20 s); "
            f"set {KERNELS_VARIABLE} to a writable folder"
        )
        return
    dispatcher._cache = _KernelCache(function, folder)


def has_files(function: Callable[..., Any]) -> bool:
    """True when code of the kernels in a function's module is kept."""
    folder = module_folder(function)
    return folder is not None and any(folder.glob(f"*{_SUFFIX}"))


def damaged_files() -> list[Path]:
    """Files of compiled code that are not as they were written, or cannot be read; each is made again when needed."""
    folder = kernel_folder()
    return [] if folder is None else [path for path in _files(folder) if not _is_sound(path)]


def _files(folder: Path) -> Iterator[Path]:
    """Every file of compiled code, in a fixed order."""
    try:
        yield from sorted(folder.glob(f"*/*{_SUFFIX}"))
    except OSError:
        return


def _is_sound(path: Path) -> bool:
    try:
        _read(path)
    except (OSError, ValueError):
        return False
    return True


def _read(path: Path) -> bytes:
    """The content of a file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not as it was written.
    """
    found = path.read_bytes()
    start = len(_MAGIC) + _DIGEST_BYTES
    content = found[start:]
    if not found.startswith(_MAGIC) or found[len(_MAGIC) : start] != _digest(path, content):
        raise ValueError("its checksum does not match")
    return content


def _digest(path: Path, content: bytes) -> bytes:
    return hashlib.sha256(f"{path.parent.name}/{path.name}\0".encode() + content).digest()


def _warn_once(message: str) -> None:
    kind = message.partition(":")[0]
    if kind not in _said:
        _said.add(kind)
        warnings.warn(message, PairgammonWarning, stacklevel=2)


class _Files:
    """The files of one kernel; what numba calls a cache file."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name

    def path_of(self, key: Any) -> Path:
        """The file of the code for a signature; two that share a name share a file, and the key in it decides."""
        digest = hashlib.sha256(repr(key).encode()).hexdigest()[:16]
        return self._folder / f"{self._name}-{digest}{_SUFFIX}"

    def load(self, key: Any) -> Any:
        """Numba's serialised code for a signature; None when there is none yet, or a damaged file."""
        path = self.path_of(key)
        try:
            found, code = pickle.loads(_read(path))
        except FileNotFoundError:
            return None
        except Exception as error:  # whatever the bytes of a file make of an unpickler
            self.report_damage(path, error)
            return None
        return code if found == key else None

    def save(self, key: Any, code: Any) -> None:
        """Write the code for a signature; where that fails, the next start compiles it again."""
        path = self.path_of(key)
        content = _Serialize.dumps((key, code))
        is_new = not self._folder.exists()
        try:
            replace_file(path, _MAGIC, _digest(path, content), content)
        except OSError as error:
            _warn_once(
                f"compiled kernels cannot be kept: {path}: {error.strerror or error}; every start compiles them again, "
                f"set {KERNELS_VARIABLE} to a writable folder"
            )
            return
        if is_new:
            _remove_unused(self._folder.parent)

    def flush(self) -> None:
        """Forget everything."""
        shutil.rmtree(self._folder, ignore_errors=True)

    @staticmethod
    def report_damage(path: Path, error: Exception) -> None:
        """Say, once a process, that a file is damaged."""
        reason = (error.strerror if isinstance(error, OSError) else None) or error or type(error).__name__
        _warn_once(f"a file of compiled kernels cannot be used and is made again: {path}: {reason}")


class _Locator:
    """Where numba should look for a kernel's code; the source counts in the folder's name already."""

    def __init__(self, function: Callable[..., Any], folder: Path) -> None:
        self._line = function.__code__.co_firstlineno
        self._py_file = function.__code__.co_filename  # numba's warnings read it
        self._folder = folder

    def get_cache_path(self) -> str:
        """The folder."""
        return str(self._folder)

    def get_disambiguator(self) -> str:
        """What tells kernels of one name apart."""
        return str(self._line)

    def ensure_cache_path(self) -> None:
        """The folder is made with the first file."""


class _Implementation(_Caching.CompileResultCacheImpl):  # type: ignore[misc]
    """How numba serialises code, without its search for a folder."""

    def __init__(self, function: Callable[..., Any], folder: Path) -> None:
        module = function.__module__.rpartition(".")[2]
        self._lineno = function.__code__.co_firstlineno
        self._locator = _Locator(function, folder)
        self._filename_base = self.get_filename_base(f"{module}.{function.__qualname__}", "")


class _KernelCache(_Caching.FunctionCache):  # type: ignore[misc]
    """What a dispatcher of numba asks for compiled code."""

    def __init__(self, function: Callable[..., Any], folder: Path) -> None:
        self._name = repr(function)
        self._py_func = function
        self._impl = _Implementation(function, folder)
        self._cache_path = str(folder)
        self._cache_file = _Files(folder, self._impl.filename_base)
        self.enable()
        _note_use(folder)

    def load_overload(self, signature: Any, context: Any) -> Any:
        """The code for a signature, None when it must be compiled."""
        try:
            return super().load_overload(signature, context)
        except Exception as error:  # code of a right digest that this numba cannot take
            key = self._index_key(signature, context.codegen())
            self._cache_file.report_damage(self._cache_file.path_of(key), error)
            return None


@cache
def _note_use(folder: Path) -> None:
    """Keep a folder from being taken for one that nobody uses."""
    try:
        if time.time() - folder.stat().st_mtime > _DAY:
            folder.touch()
    except OSError:
        return


def _remove_unused(parent: Path) -> None:
    """Remove folders of sources and versions that were not used for a month."""
    try:
        old = [path for path in parent.iterdir() if time.time() - path.stat().st_mtime > _MONTH]
    except OSError:
        return
    for path in old:
        shutil.rmtree(path, ignore_errors=True)
