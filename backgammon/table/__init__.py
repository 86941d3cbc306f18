"""Games in play: the turn engine for one game or ten thousand, sessions, duels."""
