"""Positions after a play as a domain of the learner: names and sizes of what a net can read of them.

A candidate is an item, seen by the player who has just moved; the position before the play, seen by the player on roll,
is the context of its decision.
"""

from __future__ import annotations

from backgammon.evaluation.outcome import OUTCOMES, POINTS
from backgammon.learner.inputs import features
from backgammon.learner.inputs.codes import GATE_FEATURES, PLANS, SPLITS
from backgammon.learner.inputs.head_names import HEAD_NAMES
from backgammon.learner.inputs.patterns import NUM_PATTERNS
from backgammon.learner.inputs.tokens import NUM_TOKENS
from backgammon.rules.phase import PHASES
from comparison_net.domain import Domain, OutcomeClasses, Tokens
from comparison_net.network_config import SPLIT


def _gate_parts(split: str) -> tuple[int, ...]:
    """For each gate feature the part of a split that it stands for: a plan for its own, others for "other"."""
    parts = SPLITS[split]
    by_plan = {name: parts.index(name if name in parts else "other") for name in PLANS}
    return tuple(by_plan.get(name, -1) for name in GATE_FEATURES)


BOARDS = Domain(
    version=features.VERSION,
    num_features=features.NUM_FEATURES,
    inputs={"counts": 0, "patterns": NUM_PATTERNS},
    outcomes=OutcomeClasses(OUTCOMES, tuple(POINTS.tolist())),
    splits=SPLITS,
    gate_features=GATE_FEATURES,
    gate_parts={split: _gate_parts(split) for split in SPLITS},
    tokens=Tokens(NUM_TOKENS, features.NUM_COUNTS),
    head_names=HEAD_NAMES,
    # What the compiled walk has: patterns with one expert, or with one for each phase.
    pattern_heads={"dense": (), HEAD_NAMES[SPLIT]: ("phase",)},
    strata=("phase", PHASES),
    has_context=True,
    value="equity",
    value_unit=("mpt", 1000.0),
)
"""What the learner is told of backgammon. Equities are points; what a choice loses is told in thousandths."""
