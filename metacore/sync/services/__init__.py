# Made from metacore/services/__init__.py by `python tools/generate_sync.py`. Do not edit.
"""Steps that touch several storages at once."""
