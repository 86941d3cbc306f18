"""A unit of work: seconds long, named by everything that its result depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

Task = Callable[[bytes], bytes]
"""A function at the top level of a module: a message in, the result out. The result depends on the message, on the
contents that it names, and on nothing else."""


@dataclass(frozen=True)
class WorkUnit:
    """A piece of work.

    Attributes:
        name: 64 hex digits; two units of one name have the same result.
        work: does it and gives the result. It travels to the worker: for another process it must be a function at the
            top level of a module, or a `partial` of one.
        size: what it counts for in the progress: decisions, games.
    """

    name: str
    work: Callable[[], bytes]
    size: int = 1


def name_of(description: Mapping[str, Any]) -> str:
    """The name of what a description, of values that JSON knows, says everything about."""
    return hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()


def unit_of(task: Task, version: int, message: bytes, size: int = 1) -> WorkUnit:
    """A unit that carries all it needs, named by it: any worker on any machine may do it.

    Args:
        task: does it.
        version: of the task; another one where the same message gives another result.
        message: what the task is told, see `message.pack_message`; contents are named in it by their digests.
        size: see `WorkUnit`.
    """
    head = f"{task.__module__}.{task.__qualname__} {version}\n".encode()
    return WorkUnit(hashlib.sha256(head + message).hexdigest(), partial(task, message), size)
