"""Who owns every other row, and the keys by which a user trades."""
