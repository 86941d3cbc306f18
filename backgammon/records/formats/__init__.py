"""The formats of logs and positions, one module for each, and the table that knows them all."""
