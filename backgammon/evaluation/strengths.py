"""How strongly an engine can be asked to play: depths, filters, levels, rollouts. Facts only, without heavy imports."""

from __future__ import annotations

MAX_PLIES = 3
"""Deepest look-ahead; 0 is the evaluator alone, as GNU Backgammon counts."""

FILTER_NAMES = ("tiny", "narrow", "normal", "large", "huge", "staged")
"""Filters of candidates, numbers in `search.filters`. The first five are GNU Backgammon's, narrowest first."""
DEFAULT_FILTER = "staged"
"""Looks at 1 ply before it looks deeper: the plays of "normal" in half the time, see docs/experiments/look-ahead.md."""

FULL = "full"
"""The level without errors of its own."""
LEVEL_NAMES = ("beginner", "casual", "intermediate", "advanced", "expert", FULL)
"""Playing levels, weakest first; what they are is in `engine.levels`."""

RATING_POINTS = 500
"""Rating of a point lost in every unforced decision."""
PEOPLE = "people:"
"""Before the rating of people to choose like, as in people:8; the range is in `learner.coach.mimic`."""

CUBE_PLIES = 2
"""Least depth of cube decisions in play: thousandths of a second, and a tenth of the errors of the model alone."""
ROLLOUT_PLIES = 2
"""Depth of the search that picks what is rolled out, where none is given."""
TIMED_PLIES = MAX_PLIES
"""Greatest depth of a search with a time limit, where none is given."""

ROLLOUT_GAMES = 1296
"""Games of a rollout at most, where no number is given: every pair of first rolls once."""
ROLLOUT_ERROR = 0.005
"""Standard error at which rollouts stop, points of the difference between two plays."""
