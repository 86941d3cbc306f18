"""The trained net at play time, compiled: no torch."""
