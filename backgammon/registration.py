"""The environments' names in Gymnasium's registry, without loading Gymnasium before somebody else does.

Gymnasium (1.0 and later) asks no package for its environments, so `import backgammon` leaves a watcher that registers
them right after Gymnasium has been imported; where it has been already, they are registered at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

_NAMES = {
    "Backgammon-v0": ("make_moves", "make_move_vector"),
    "BackgammonTurn-v0": ("make_turns", "make_turn_vector"),
}
"""By ID what makes the single and the vectorised environment."""


class _Watcher(MetaPathFinder):
    """Finds nothing itself: takes note that Gymnasium is being imported, once."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 - the import system's signature
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Gymnasium's own spec, whose loader registers the environments when it is done; None for other modules."""
        if fullname != "gymnasium":
            return None
        sys.meta_path.remove(self)
        spec = find_spec(fullname)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def execute_and_register(module: ModuleType) -> None:
            execute(module)
            register_environments()

        spec.loader.exec_module = execute_and_register  # type: ignore[method-assign]
        return spec


def register_environments() -> None:
    """Register the environments that are not registered yet."""
    import gymnasium

    for name, (single, vector) in _NAMES.items():
        if name not in gymnasium.registry:
            gymnasium.register(
                id=name,
                entry_point=f"backgammon.env.creation:{single}",
                vector_entry_point=f"backgammon.env.creation:{vector}",
            )


def register_with_gymnasium() -> None:
    """Register the environments now where Gymnasium is loaded, else as soon as it is."""
    if hasattr(sys.modules.get("gymnasium"), "register"):
        register_environments()
    elif not any(isinstance(finder, _Watcher) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Watcher())
