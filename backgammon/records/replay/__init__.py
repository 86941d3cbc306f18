"""From records to checked decisions: every play executed and found among the candidates."""
