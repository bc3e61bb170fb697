# Made from metacore/backends/__init__.py by `python tools/generate_sync.py`. Do not edit.
"""What every backend is made of, written once."""
