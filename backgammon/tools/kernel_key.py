"""Which sources a compiled kernel depends on, and the key that changes with any of them.

A kernel freezes the values of the globals that it reads: the numbers of its own module, those it imports, and those
they were computed from. So the key of a module that defines kernels is taken over the module and over all that it
imports, directly or not, within its own project; and over whatever else decides the machine code: numba and its
settings, numpy, the processor.

Values in files of data are arguments of kernels, never globals.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding
import numba
import numpy as np
from numba.core import config as _config

ROOT = Path(__file__).resolve().parent.parent.parent
"""The folder that the packages of this project lie in."""

PACKAGES = ("backgammon", "comparison_net")
"""The project's own; a module of another package counts its own package too."""

_SETTINGS: Any = _config  # numba sets these names at run time, so a type checker cannot know them
_CODE_SETTINGS = ("BOUNDSCHECK", "CPU_FEATURES", "CPU_NAME", "DEBUGINFO_DEFAULT", "ENABLE_AVX", "LOOP_VECTORIZE", "OPT",
                  "SLP_VECTORIZE")  # fmt: skip
"""Settings of numba that change the code of a kernel."""

_IMPORT = re.compile(
    rb"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n]*)|import[ \t]+([^\n]*))", re.MULTILINE
)


def module_key(function: Callable[..., Any]) -> str:
    """Key of the code that is made of the kernels in a function's module, 16 hex digits."""
    return _key(_module_file(function), function.__module__.partition(".")[0])


def sources_of(function: Callable[..., Any]) -> list[Path]:
    """The files whose values a kernel may have frozen, its own among them, in a fixed order."""
    return list(_sources(_module_file(function), function.__module__.partition(".")[0]))


def _module_file(function: Callable[..., Any]) -> Path:
    return Path(function.__code__.co_filename).resolve()


@cache
def _key(file: Path, package: str) -> str:
    digest = hashlib.sha256(_environment().encode())
    for source in _sources(file, package):
        digest.update(source.name.encode() + b"\0" + hashlib.sha256(_read(source)).digest())
    return digest.hexdigest()[:16]


@cache
def _environment() -> str:
    """What decides the machine code beside the sources."""
    processor = (llvmlite.binding.get_host_cpu_name(), llvmlite.binding.get_host_cpu_features().flatten())
    settings = {name: getattr(_SETTINGS, name, None) for name in _CODE_SETTINGS}
    return repr((numba.__version__, llvmlite.__version__, np.__version__, os.name, processor, settings))


@cache
def _sources(file: Path, package: str) -> tuple[Path, ...]:
    found = {file}
    waiting = [file]
    while waiting:
        for imported in _imports(waiting.pop(), package) - found:
            found.add(imported)
            waiting.append(imported)
    return tuple(sorted(found))


@cache
def _read(source: Path) -> bytes:
    return source.read_bytes()


@cache
def _imports(source: Path, package: str) -> frozenset[Path]:
    """The files of the project that a source imports; lines that only look like an import cost a file too many."""
    found = set()
    for base, names, plain in _IMPORT.findall(_read(source)):
        for name in _imported_names(base.decode(), names.decode(), plain.decode()):
            if name.partition(".")[0] in (package, *PACKAGES) and (path := _find(name)) is not None:
                found.add(path)
    return frozenset(found)


def _imported_names(base: str, names: str, plain: str) -> list[str]:
    """Modules that a line of the form `from base import names` or `import plain` may stand for."""
    parts = [part.split()[0] for part in (names or plain).strip("()").split(",") if part.split()]
    return [base, *(f"{base}.{part}" for part in parts)] if base else parts


@cache
def _find(name: str) -> Path | None:
    """The file of a module; None where the name is none, or no module."""
    path = ROOT.joinpath(*name.split("."))
    for file in (path.with_name(f"{path.name}.py"), path / "__init__.py"):
        if file.is_file():
            return file
    return None
