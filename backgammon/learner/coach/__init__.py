"""What people prefer, and one person: models of choices, and what sets a player apart."""
