"""The statements of each storage."""
