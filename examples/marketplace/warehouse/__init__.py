"""Stock, as a ledger."""
