"""What heads of a net are called in backgammon; a module of its own, because a help text needs the names alone."""

from __future__ import annotations

from collections.abc import Mapping

from comparison_net.network_config import GATE, MERGED, SPLIT, SPLIT_GATE
from comparison_net.network_config import HEADS as KINDS

HEAD_NAMES: Mapping[str, str] = {
    SPLIT: "phase",
    GATE: "phase-soft",
    SPLIT_GATE: "phase-learned",
    MERGED: "phase-merged",
}
"""Words of our own for heads of the learner: a hard split of positions is one by phase, or by plan."""
HEADS: tuple[str, ...] = tuple(HEAD_NAMES.get(kind, kind) for kind in KINDS)
