"""Decisions and labels as files to learn from."""
