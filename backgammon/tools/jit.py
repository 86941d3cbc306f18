"""The one door to numba: `kernel` compiles with a cache that an edit can never make stale (`kernel_cache`).

numba's own cache checks only the file of the outermost function, so a kernel keeps calling the OLD version of a
kernel that was edited in another file, and keeps the old value of a number that was edited there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
from numba.core import config as _config

from backgammon.tools.kernel_cache import has_files, keep_compiled

_SETTINGS: Any = _config  # numba sets these names at run time, so a type checker cannot know them
Function = TypeVar("Function", bound=Callable[..., Any])

DISABLED = bool(_SETTINGS.DISABLE_JIT)
"""True under NUMBA_DISABLE_JIT=1: kernels run as plain Python (slow, an independent check)."""


def kernel(function: Function) -> Function:
    """Compile a function of arrays and scalars; it releases the GIL, so threads run it side by side."""
    return _compile(function, False)


def loose_kernel(function: Function) -> Function:
    """`kernel` whose sums the compiler may reorder and fuse: for training, where an ulp decides nothing."""
    return _compile(function, {"contract", "reassoc", "nsz"})


def is_kept(compiled: Callable[..., Any]) -> bool:
    """True when the code of a kernel's module is on disk already, so that its first call need not compile."""
    return DISABLED or has_files(cast(Any, compiled).py_func)


def _compile(function: Function, fastmath: bool | set[str]) -> Function:
    dispatcher = numba.njit(nogil=True, fastmath=fastmath)(function)
    if not DISABLED:
        keep_compiled(dispatcher, function)
    return cast(Function, dispatcher)
