"""Comparison of subtitles with those of other programs, on the same words."""
