"""The join of the two products: what a net reads of a board, the compiled net, its data and training."""
