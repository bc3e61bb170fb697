"""Orders, trades and balances, and the rules that move them together."""
