"""The records of an order service."""
