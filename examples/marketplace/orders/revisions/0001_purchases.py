"""Purchases, and the steps that each has taken."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE purchases (
        id               uuid        PRIMARY KEY,
        customer_id      uuid        NOT NULL,
        idempotency_key  text        NOT NULL,
        asked            text        NOT NULL,
        state            text        NOT NULL,
        reason           text,
        warehouse        text        NOT NULL,
        currency         text        NOT NULL,
        total            numeric     NOT NULL CHECK (total > 0),
        lines            jsonb       NOT NULL,
        expires_at       timestamptz NOT NULL,
        version          bigint      NOT NULL,
        created_at       timestamptz NOT NULL,
        updated_at       timestamptz NOT NULL,

        UNIQUE (customer_id, idempotency_key)
    ) WITH (fillfactor = 70)
    """)
    op.execute("CREATE INDEX purchases_of_customer_idx ON purchases (customer_id, id)")
    op.execute("CREATE INDEX purchases_due_idx ON purchases (expires_at) WHERE state IN ('NEW', 'RESERVED')")
    op.execute("""
    CREATE TABLE purchase_steps (
        purchase_id  uuid        NOT NULL REFERENCES purchases (id),
        version      bigint      NOT NULL,
        happening    text        NOT NULL,
        state        text        NOT NULL,
        at           timestamptz NOT NULL,

        PRIMARY KEY (purchase_id, version)
    )
    """)


def downgrade() -> None:
    op.execute("DROP TABLE purchase_steps")
    op.execute("DROP TABLE purchases")
