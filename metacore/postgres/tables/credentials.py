"""The tables of credentials, encrypted, and of the hashes that their API keys are found by."""

from __future__ import annotations

from sqlalchemy import PrimaryKeyConstraint, Table

from metacore.postgres.tables.columns import (
    METADATA,
    belongs_to,
    bytes_column,
    id_column,
    key_column,
    unique,
)

user_credentials = Table(
    "user_credentials",
    METADATA,
    id_column("user_id"),
    key_column("key_id"),
    bytes_column("api_key"),
    bytes_column("api_secret"),
    bytes_column("passphrase", nullable=True),
    PrimaryKeyConstraint("user_id", name="user_credentials_pkey"),
    belongs_to("user_credentials", "users", ["user_id"], ["id"]),
)

user_api_keys = Table(
    "user_api_keys",
    METADATA,
    id_column("user_id"),
    key_column("key_id"),
    bytes_column("api_key_hash"),
    PrimaryKeyConstraint("user_id", "key_id", name="user_api_keys_pkey"),
    unique("user_api_keys", "api_key_hash", "api_key_hash"),
    belongs_to("user_api_keys", "user_credentials", ["user_id"], ["user_id"]),
)
