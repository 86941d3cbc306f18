"""The training loop: steps shared by threads, resumed to the byte, reported on the way."""
