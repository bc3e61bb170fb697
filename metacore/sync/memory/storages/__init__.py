# Made from metacore/memory/storages/__init__.py by `python tools/generate_sync.py`. Do not edit.
"""One storage for each protocol, over the tables of `metacore.memory.schema`."""
