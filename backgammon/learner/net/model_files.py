"""Files of trained nets as the engine opens them: read by the learner, refused with the engine's own error."""

from __future__ import annotations

from pathlib import Path

from backgammon.tools.errors import ModelError
from comparison_net import checkpoint
from comparison_net.checkpoint import Model
from comparison_net.tools import LearnerError


def load_model(path: Path) -> Model:
    """Read and check a model: a file, or a run folder that holds one.

    Raises:
        ModelError: missing, foreign, damaged, of another format or feature version.
    """
    try:
        return checkpoint.load_model(path)
    except LearnerError as error:
        raise ModelError(str(error)) from error
