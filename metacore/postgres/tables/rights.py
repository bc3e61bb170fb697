"""What the role of a service may do with the rows of a table: each table says it in its `info`."""

from __future__ import annotations

KEPT = "SELECT, INSERT"
"""A journal: rows are added and never changed. They go only with what they belong to, and that is done by the cascade
of a foreign key, which PostgreSQL runs with the rights of the table's owner, not of the role that deletes."""

UPDATED = "SELECT, INSERT, UPDATE"
"""Rows change, and go only with their user, by the cascade. Where a journal would go with them (`may_delete` in the
table's `info`), services get DELETE if they ask for it."""

REPLACED = "SELECT, INSERT, DELETE"
"""Rows never change, but give way to others."""

DELETED = "SELECT, INSERT, UPDATE, DELETE"
"""Rows change and are deleted by their storage."""
