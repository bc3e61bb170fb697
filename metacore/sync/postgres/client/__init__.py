# Made by `python tools/generate_sync.py`. Do not edit.
"""Holds the blocking mirror of what is below it."""
