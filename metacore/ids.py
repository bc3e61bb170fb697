"""Identifiers made by the client, so that a retry after an unknown outcome cannot insert twice."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A new UUIDv7 (RFC 9562, section 5.7), monotonic within this process.

    Models call `metacore.ids.new_id` at construction through this module, so replacing the attribute replaces the
    source of ids everywhere: tests that need fixed ids do just that.
    """
    return uuid7()
