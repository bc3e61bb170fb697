"""What users sign in by."""

from alembic import op

revision = "0012"
down_revision = "0011"
compatible_from = "0001"


def upgrade(schema: str) -> None:
    op.execute(f"""
    CREATE TABLE {schema}.logins (
        user_id        uuid             NOT NULL,
        password_hash  text COLLATE "C" NOT NULL,
        failures       bigint           NOT NULL,
        locked_until   timestamptz,
        changed_at     timestamptz      NOT NULL,

        CONSTRAINT logins_pkey PRIMARY KEY (user_id),
        CONSTRAINT logins_users_fkey
            FOREIGN KEY (user_id) REFERENCES {schema}.users (id) ON DELETE CASCADE,
        CONSTRAINT logins_password_hash_short CHECK (char_length(password_hash) <= 1024),
        CONSTRAINT logins_failures_not_negative CHECK (failures >= 0)
    )
    """)


def downgrade(schema: str) -> None:
    op.execute(f"DROP TABLE {schema}.logins")
