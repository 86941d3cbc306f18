"""Comparison training: learn which candidate an expert prefers, and choose by it."""
