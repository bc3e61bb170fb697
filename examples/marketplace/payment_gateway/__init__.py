"""A bank for development and tests, which can be slow, dead, late, or say no."""
