"""What a log says before anybody checks it, where it was read from, and the account of the reading."""
