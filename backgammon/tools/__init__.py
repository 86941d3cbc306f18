"""What every room needs and no rule of the game is in: errors, compilation, files, threads, intervals."""
