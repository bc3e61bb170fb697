"""A portfolio tracker: people sign in, add coins, and see live what they are worth."""
