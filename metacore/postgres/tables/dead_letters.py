"""The table of dead letters."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, PrimaryKeyConstraint, Table, text

from metacore.domain.messages.dead_letters import MAX_POSITION_LENGTH, Resolution
from metacore.postgres.tables.columns import (
    METADATA,
    bytes_column,
    ever,
    filtered,
    json_column,
    name_column,
    short,
    text_column,
    time_column,
    uid_column,
)
from metacore.postgres.tables.rights import UPDATED

WAITING, RESOLVED = "resolution IS NULL", "resolution IS NOT NULL"

dead_letters = Table(
    "dead_letters",
    METADATA,
    uid_column("source"),
    text_column("position"),
    text_column("key", nullable=True),
    bytes_column("value", nullable=True),
    json_column("headers"),
    text_column("error"),
    text_column("field", nullable=True),
    time_column("failed_at"),
    name_column("resolution", Resolution, nullable=True),
    text_column("note", nullable=True),
    time_column("resolved_at", nullable=True),
    PrimaryKeyConstraint("source", "position", name="dead_letters_pkey"),
    short("dead_letters", "source"),
    CheckConstraint(f"char_length(position) <= {MAX_POSITION_LENGTH}", name="dead_letters_position_short"),
    CheckConstraint("(resolution IS NULL) = (resolved_at IS NULL)", name="dead_letters_resolved_as_a_whole"),
    info={"entity": "dead letter", "rights": UPDATED, "sharded_by": "source"},
)


def listed(resolved: bool, of_source: bool) -> str:
    """Which rows the index of such a list has."""
    return f"{RESOLVED if resolved else WAITING} AND {(filtered if of_source else ever)('failed_at')}"


for _name, _resolved in (("waiting", False), ("resolved", True)):
    Index(
        f"dead_letters_{_name}_idx",
        dead_letters.c.failed_at.desc(),
        dead_letters.c.source.desc(),
        dead_letters.c.position.desc(),
        postgresql_where=text(listed(_resolved, of_source=False)),
    )
    Index(
        f"dead_letters_{_name}_of_source_idx",
        dead_letters.c.source,
        dead_letters.c.failed_at.desc(),
        dead_letters.c.position.desc(),
        postgresql_where=text(listed(_resolved, of_source=True)),
    )
