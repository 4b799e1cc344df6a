"""Measurements of `scripts/bench`."""
