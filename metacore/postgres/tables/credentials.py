"""The tables of credentials, encrypted, and of the hashes of their API keys, which are names.

The generation of a set stands with the hashes: credentials that are put back without it do not decrypt.
"""

from __future__ import annotations

from sqlalchemy import PrimaryKeyConstraint, Table

from metacore.postgres.tables.columns import (
    METADATA,
    belongs_to,
    bytes_column,
    id_column,
    key_column,
)
from metacore.postgres.tables.rights import DELETED, REPLACED

user_credentials = Table(
    "user_credentials",
    METADATA,
    id_column("user_id"),
    key_column("key_id"),
    bytes_column("sealed"),
    PrimaryKeyConstraint("user_id", name="user_credentials_pkey"),
    belongs_to("user_credentials", "users", ["user_id"], ["id"]),
    info={"entity": "credentials", "rights": DELETED},
)

user_api_keys = Table(
    "user_api_keys",
    METADATA,
    id_column("user_id"),
    key_column("key_id"),
    bytes_column("generation"),
    bytes_column("api_key_hash", nullable=True),
    PrimaryKeyConstraint("user_id", "key_id", name="user_api_keys_pkey", info={"field": "api_key"}),
    belongs_to("user_api_keys", "user_credentials", ["user_id"], ["user_id"]),
    info={"entity": "credentials", "rights": REPLACED},
)
