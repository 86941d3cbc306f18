"""The rules: positions, dice, every legal play of a roll, phases, the turn machine and the score of a match."""
