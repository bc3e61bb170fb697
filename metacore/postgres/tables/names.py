"""The table of names: what is unique over all users, whose own rows may lie on several nodes.

A name lies by its value. No foreign key leads from there to the user, so who deletes a user deletes the names.
"""

from __future__ import annotations

from sqlalchemy import PrimaryKeyConstraint, Table

from metacore.domain.people.names import NameKind
from metacore.postgres.tables.columns import METADATA, id_column, name_column, text_column
from metacore.postgres.tables.rights import REPLACED

NAMES_KEY = "user_names_pkey"

user_names = Table(
    "user_names",
    METADATA,
    name_column("kind", NameKind),
    text_column("value"),
    id_column("user_id"),
    PrimaryKeyConstraint("kind", "value", name=NAMES_KEY),
    info={"entity": "name", "rights": REPLACED, "sharded_by": "value"},
)
