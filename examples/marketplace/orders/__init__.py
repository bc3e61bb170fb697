"""Orders, each a saga of its own."""
