"""Parts of engines that are read from disk once, for tests that run many commands in one process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

import pytest

from backgammon.learner.net import engine_builder


@contextmanager
def kept_parts() -> Iterator[None]:
    """Nets and tables are read once; how engines are put together stays what it is."""
    patch = pytest.MonkeyPatch()
    for name in ("load_scorer", "load_pruner", "find_or_build"):
        patch.setattr(engine_builder, name, cache(partial(_make, getattr(engine_builder, name))))
    try:
        yield
    finally:
        patch.undo()


def _make(make: Callable[..., Any], *arguments: Any, notice: object = None) -> Any:
    del notice
    return make(*arguments)
