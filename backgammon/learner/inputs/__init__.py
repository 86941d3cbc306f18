"""What a net reads of a board."""
