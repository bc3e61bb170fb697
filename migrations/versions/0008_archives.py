"""Archives: which parts of users' history were taken out."""

from alembic import op

revision = "0008"
down_revision = "0007"
compatible_from = "0001"


def upgrade(schema: str) -> None:
    op.execute(f"""
    CREATE TABLE {schema}.archives (
        user_id        uuid          NOT NULL,
        number         bigint        NOT NULL,
        digest         {schema}.key  NOT NULL,
        orders         bigint        NOT NULL,
        order_updates  bigint        NOT NULL,
        trades         bigint        NOT NULL,
        entries        bigint        NOT NULL,
        created_at     timestamptz   NOT NULL,

        CONSTRAINT archives_pkey PRIMARY KEY (user_id, number),
        CONSTRAINT archives_users_fkey
            FOREIGN KEY (user_id) REFERENCES {schema}.users (id) ON DELETE CASCADE,
        CONSTRAINT archives_number_from_one CHECK (number >= 1)
    )
    """)


def downgrade(schema: str) -> None:
    op.execute(f"DROP TABLE {schema}.archives")
