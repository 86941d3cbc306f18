"""A preference learner by comparison: choices among alternatives in, a score that orders them out. It knows no game.

The names below are loaded when they are first used, so that reading choices does not load torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from comparison_net.choice_tables import from_frame, read_json_lines
    from comparison_net.choices import ChoiceSets
    from comparison_net.conditional_logit import fit_logit
    from comparison_net.estimator import ComparisonRanker
    from comparison_net.training.loop import fit, train

__all__ = ["ChoiceSets", "ComparisonRanker", "fit", "fit_logit", "from_frame", "read_json_lines", "train"]

_HOMES = {
    "ChoiceSets": "choices",
    "ComparisonRanker": "estimator",
    "fit": "training.loop",
    "fit_logit": "conditional_logit",
    "from_frame": "choice_tables",
    "read_json_lines": "choice_tables",
    "train": "training.loop",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'comparison_net' has no attribute {name!r}")
    return getattr(import_module(f"comparison_net.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
