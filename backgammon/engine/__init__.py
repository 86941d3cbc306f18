"""Players out of evaluators: levels, look-ahead as a player, and other programs in processes of their own."""
