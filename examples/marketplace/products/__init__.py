"""The product service: the catalogue, its categories, what is found in it, and pictures."""
