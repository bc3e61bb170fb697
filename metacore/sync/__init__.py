# Made from metacore/__init__.py by `python tools/generate_sync.py`. Do not edit.
"""Metacore: exact, typed, transactional storage for trading and commerce services."""
