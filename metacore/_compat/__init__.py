"""One vocabulary for two worlds: what `aio` defines `blocking` defines too, and so with the two of psycopg.

Sources import from the first of each pair; `tools/generate_sync.py` makes their mirrors import from the second.
"""
