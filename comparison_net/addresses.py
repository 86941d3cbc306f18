"""Parts of one's own by "module:name": a loss, a router or an encoder that lies in a file outside the package."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from comparison_net.tools import ConfigError


def is_address(name: str) -> bool:
    """True for "module:name"."""
    return ":" in name


def load_part(name: str, what: str) -> Any:
    """The object that an address names.

    Args:
        name: "module:name", importable from where the program runs.
        what: what it is to be, for messages.

    Raises:
        ConfigError: there is no such module, or no such name in it.
    """
    module, _, attribute = name.partition(":")
    if str(Path.cwd()) not in sys.path and "" not in sys.path:  # an installed command does not look where it is run
        sys.path.append(str(Path.cwd()))
    try:
        part = importlib.import_module(module)
    except ImportError as error:
        raise ConfigError(f"{what} {name!r}: the module cannot be imported ({error})") from error
    if not hasattr(part, attribute):
        raise ConfigError(f"{what} {name!r}: the module has no {attribute!r}")
    return getattr(part, attribute)
