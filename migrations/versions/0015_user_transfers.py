"""Transfers between users."""

from alembic import op

revision = "0015"
down_revision = "0014"
compatible_from = "0001"


def upgrade(schema: str) -> None:
    op.execute(f"""
    CREATE TABLE {schema}.user_transfers (
        user_id      uuid             NOT NULL,
        reference    {schema}.key     NOT NULL,
        to_user_id   uuid             NOT NULL,
        asset        {schema}.key     NOT NULL,
        amount       {schema}.amount  NOT NULL,
        occurred_at  timestamptz      NOT NULL,

        CONSTRAINT user_transfers_pkey PRIMARY KEY (user_id, reference),
        CONSTRAINT user_transfers_users_fkey
            FOREIGN KEY (user_id) REFERENCES {schema}.users (id) ON DELETE CASCADE,
        CONSTRAINT user_transfers_amount_positive CHECK (amount > 0),
        CONSTRAINT user_transfers_between_two CHECK (user_id <> to_user_id)
    )
    """)


def downgrade(schema: str) -> None:
    op.execute(f"DROP TABLE {schema}.user_transfers")
