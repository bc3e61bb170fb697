"""What users hold beside their balances, and what it is worth."""
