# Made from metacore/storage/__init__.py by `python tools/generate_sync.py`. Do not edit.
"""The contract: one protocol for each storage. Every sentence of their docstrings is tested on every backend."""
