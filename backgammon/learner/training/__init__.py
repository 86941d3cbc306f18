"""What training needs of the game: the first and the second layer on positions."""
