"""A look inside a net, and what its choices cost."""
