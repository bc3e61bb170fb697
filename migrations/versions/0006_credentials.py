"""Credentials, encrypted, and the hashes of their API keys."""

from alembic import op

revision = "0006"
down_revision = "0005"
compatible_from = "0001"


def upgrade(schema: str) -> None:
    op.execute(f"""
    CREATE TABLE {schema}.user_credentials (
        user_id  uuid         NOT NULL,
        key_id   {schema}.key NOT NULL,
        sealed   bytea        NOT NULL,

        CONSTRAINT user_credentials_pkey PRIMARY KEY (user_id),
        CONSTRAINT user_credentials_users_fkey
            FOREIGN KEY (user_id) REFERENCES {schema}.users (id) ON DELETE CASCADE
    )
    """)
    op.execute(f"""
    CREATE TABLE {schema}.user_api_keys (
        user_id       uuid         NOT NULL,
        key_id        {schema}.key NOT NULL,
        generation    bytea        NOT NULL,
        api_key_hash  bytea,

        CONSTRAINT user_api_keys_pkey PRIMARY KEY (user_id, key_id),
        CONSTRAINT user_api_keys_user_credentials_fkey
            FOREIGN KEY (user_id) REFERENCES {schema}.user_credentials (user_id) ON DELETE CASCADE
    )
    """)


def downgrade(schema: str) -> None:
    op.execute(f"DROP TABLE {schema}.user_api_keys")
    op.execute(f"DROP TABLE {schema}.user_credentials")
