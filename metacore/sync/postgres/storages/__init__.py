# Made from metacore/postgres/storages/__init__.py by `python tools/generate_sync.py`. Do not edit.
"""One storage for each protocol, over the statements of `metacore.postgres.statements`."""
