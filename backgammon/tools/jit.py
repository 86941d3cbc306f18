"""The one door to numba: `kernel` compiles with a cache that an edit can never make stale.

numba's own cache checks only the file of the outermost function, so a kernel keeps calling the OLD version of a
kernel that was edited in another file. Here the cache folder is named after a hash of every kernel source, the numba
version and the processor: any edit, upgrade or other machine gets a folder of its own.

A user's NUMBA_CACHE_DIR is respected (the keyed folder is made inside it). Where no folder can be written, kernels are
compiled without a cache and a warning says so once.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import llvmlite.binding
import numba
import platformdirs
from numba.core import config as _config

_SETTINGS: Any = _config  # numba sets these names at run time, so a type checker cannot know them
Function = TypeVar("Function", bound=Callable[..., Any])

APPLICATION = "pairgammon"
DISABLED = bool(_SETTINGS.DISABLE_JIT)
"""True under NUMBA_DISABLE_JIT=1: kernels run as plain Python (slow, an independent check)."""


def kernel_sources() -> list[Path]:
    """Every file of the two packages that defines a kernel, in a fixed order."""
    root = Path(__file__).resolve().parent.parent.parent
    files = sorted([*root.glob("backgammon/**/*.py"), *root.glob("comparison_net/**/*.py")])
    return [f for f in files if b"jit import" in f.read_bytes() or f.name == "jit.py"]


def cache_key() -> str:
    """Hash over kernel sources, numba version and processor, 16 hex digits."""
    digest = hashlib.sha256()
    for source in kernel_sources():
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    digest.update(f"{numba.__version__} {llvmlite.binding.get_host_cpu_name()}".encode())
    features = llvmlite.binding.get_host_cpu_features().flatten()
    digest.update(features.encode())
    return digest.hexdigest()[:16]


def _find_cache_directory() -> Path | None:
    """The folder for compiled kernels, created; None when nothing can be written."""
    base = os.environ.get("NUMBA_CACHE_DIR")
    try:
        parent = Path(base) if base else Path(platformdirs.user_cache_dir(APPLICATION, appauthor=False))
        directory = parent / f"kernels-{cache_key()}"
        directory.mkdir(parents=True, exist_ok=True)
        probe = directory / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except (OSError, RuntimeError):
        return None
    return directory


CACHE_DIRECTORY: Path | None = None if DISABLED else _find_cache_directory()
"""Where compiled kernels are kept; None when they cannot be kept."""


def is_cache_warm() -> bool:
    """True when compiled kernels are already on disk."""
    return CACHE_DIRECTORY is not None and any(CACHE_DIRECTORY.rglob("*.nbi"))


def kernel(function: Function) -> Function:
    """Compile a function of arrays and scalars; it releases the GIL, so threads run it side by side."""
    return _compile(function, False)


def loose_kernel(function: Function) -> Function:
    """`kernel` whose sums the compiler may reorder and fuse: for training, where an ulp decides nothing."""
    return _compile(function, {"contract", "reassoc", "nsz"})


def _compile(function: Function, fastmath: bool | set[str]) -> Function:
    if CACHE_DIRECTORY is None:
        if not DISABLED:
            warnings.warn(
                "no folder for compiled kernels can be written, so every start compiles them again (about 20 s); "
                "set NUMBA_CACHE_DIR to a writable folder",
                RuntimeWarning,
                stacklevel=3,
            )
        return cast(Function, numba.njit(nogil=True, fastmath=fastmath)(function))
    saved = _SETTINGS.CACHE_DIR
    _SETTINGS.CACHE_DIR = str(CACHE_DIRECTORY)  # read by numba while it decorates; restored for everybody else
    try:
        return cast(Function, numba.njit(cache=True, nogil=True, fastmath=fastmath)(function))
    finally:
        _SETTINGS.CACHE_DIR = saved
