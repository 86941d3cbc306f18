"""The models that developer programs take by name."""

from __future__ import annotations

from backgammon.learner.net.scorer import DEFAULT_NAME


def model_of(name: str) -> str | None:
    """What engines and scorers take for the name of a model: None for "default", the one that ships."""
    return None if name == DEFAULT_NAME else name
