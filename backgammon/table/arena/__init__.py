"""Games in play, thousands side by side: the turn machine compiled, which knows nothing of Gymnasium.

`PlayGames` takes a whole turn at a time: `table.duel` drives it, and `backgammon.env` wraps it as `BackgammonTurn-v0`.
`MoveGames` takes one checker at a time, for `Backgammon-v0`. The kernels repeat the rules of turns of `rules.game` for
speed; `tests/test_env_games.py` and `tests/test_arena.py` play the same dice through both.
"""
