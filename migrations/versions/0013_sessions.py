"""Where users have signed in."""

from alembic import op

revision = "0013"
down_revision = "0012"
compatible_from = "0001"


def upgrade(schema: str) -> None:
    op.execute(f"""
    CREATE TABLE {schema}.sessions (
        user_id        uuid         NOT NULL,
        id             uuid         NOT NULL,
        token_hash     bytea        NOT NULL,
        label          {schema}.key,
        idle_until     timestamptz  NOT NULL,
        expires_at     timestamptz  NOT NULL,
        previous_hash  bytea,
        nonce          bytea,
        generation     bigint       NOT NULL,
        rotated_at     timestamptz,
        ended_at       timestamptz,
        end_reason     text COLLATE "C",
        created_at     timestamptz  NOT NULL,

        CONSTRAINT sessions_pkey PRIMARY KEY (user_id, id),
        CONSTRAINT sessions_users_fkey
            FOREIGN KEY (user_id) REFERENCES {schema}.users (id) ON DELETE CASCADE,
        CONSTRAINT sessions_token_hash_whole CHECK (octet_length(token_hash) = 32),
        CONSTRAINT sessions_previous_hash_whole CHECK (octet_length(previous_hash) = 32),
        CONSTRAINT sessions_nonce_whole CHECK (octet_length(nonce) = 32),
        CONSTRAINT sessions_end_reason_short CHECK (char_length(end_reason) <= 255),
        CONSTRAINT sessions_idle_within CHECK (idle_until <= expires_at),
        CONSTRAINT sessions_ended_as_a_whole CHECK ((ended_at IS NULL) = (end_reason IS NULL)),
        CONSTRAINT sessions_rotated_as_a_whole CHECK (
            (generation = 1) = (previous_hash IS NULL) AND (previous_hash IS NULL) = (nonce IS NULL)
            AND (nonce IS NULL) = (rotated_at IS NULL) AND generation >= 1
        )
    ) WITH (fillfactor = 50)
    """)
    op.execute(f"""
    CREATE INDEX sessions_not_ended_idx ON {schema}.sessions (user_id, created_at DESC, id DESC)
        WHERE ended_at IS NULL AND created_at > '-infinity'
    """)
    op.execute(f"""
    CREATE INDEX sessions_expiry_idx ON {schema}.sessions (expires_at) WHERE expires_at > '-infinity'
    """)


def downgrade(schema: str) -> None:
    op.execute(f"DROP TABLE {schema}.sessions")
