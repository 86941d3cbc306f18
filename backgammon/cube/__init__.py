"""The doubling cube and the score of a match: what is at stake, what a position is worth there, when to double."""
