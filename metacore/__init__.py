"""Metacore: exact, typed, transactional storage for trading and commerce services."""
