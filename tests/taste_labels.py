"""A teacher for the games of `played_games`: equities and chances that a small network can learn."""

from __future__ import annotations

import numpy as np

from backgammon.evaluation.outcome import Outcomes, equities, final_outcomes
from backgammon.evaluation.possible import allowed_outcomes
from backgammon.learner.data.decision_shards import pack_outcomes
from backgammon.learner.data.shards import Shards
from backgammon.learner.inputs.features import NAMES, encode
from backgammon.rules.movegen import legal_candidates
from backgammon.tools.arrays import Boards, Float32s, Uint16s

_BLOTS = np.array([name.startswith("own") and name.endswith(" one") for name in NAMES])
_LEAD = np.array([{"opponent pips": 2.0, "own pips": -2.0}.get(name, 0.0) for name in NAMES], dtype=np.float32)


def taste_outcomes(candidates: Boards) -> Outcomes:
    """Chances float32[M, 6] of candidates int8[M, 26]: who leads the race and has few blots wins."""
    features = encode(candidates)
    level = features @ _LEAD - 0.2 * features[:, _BLOTS].sum(axis=1)
    win = 1 / (1 + np.exp(-level))
    outcomes = np.stack(
        [0.7 * win, 0.25 * win, 0.05 * win, 0.7 * (1 - win), 0.25 * (1 - win), 0.05 * (1 - win)], axis=1
    )
    outcomes[~allowed_outcomes(candidates)] = 0.0
    is_over, certain = final_outcomes(candidates)
    outcomes[is_over] = certain[is_over]
    normalised: Outcomes = (outcomes / outcomes.sum(axis=1, keepdims=True)).astype(np.float32)
    return normalised


def taste_labels(shards: Shards) -> tuple[Float32s, Uint16s]:
    """Equities float32[M] and packed chances uint16[M, 5] of every candidate of some shards."""
    candidates, _ = legal_candidates(np.array(shards.boards), np.array(shards.dice))
    outcomes = taste_outcomes(candidates)
    return equities(outcomes), pack_outcomes(outcomes)
