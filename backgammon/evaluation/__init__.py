"""Outcome probabilities and equity: what a position is worth, apart from which play is best."""
