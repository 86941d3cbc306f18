"""Games in play: sessions, thousands of games side by side, duels."""
