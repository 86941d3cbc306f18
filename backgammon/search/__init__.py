"""Look-ahead and rollouts: evaluator in, evaluator out."""

from __future__ import annotations

from backgammon.search.cache import OutcomeCache
from backgammon.search.contest import roll_out_candidates
from backgammon.search.cubeful import CubefulSearcher
from backgammon.search.ranker import RankedCandidate, Ranker, rank_rolled
from backgammon.search.rollout import RolloutEstimate, RolloutSettings, play_games
from backgammon.search.searcher import Analysis, Searcher, SearchSettings
from backgammon.search.work import RolloutUnit, Workshop

__all__ = [
    "Analysis",
    "CubefulSearcher",
    "OutcomeCache",
    "RankedCandidate",
    "Ranker",
    "RolloutEstimate",
    "RolloutSettings",
    "RolloutUnit",
    "SearchSettings",
    "Searcher",
    "Workshop",
    "play_games",
    "rank_rolled",
    "roll_out_candidates",
]
