"""Metacore and what people would write or pick instead, doing the same work in one run.

    nox -s peers                          all of it
    nox -s peers -- --work get create     some operations; --workers 16, --latency 1, --size small, --json, --charts

Contestants take turns in short rounds, on one PostgreSQL with fsync and the server's defaults, and on the same tables.
Each is given what its author has at hand: Metacore its models, the others dictionaries or objects of their own.
"""
