"""Payments, one for each purchase, and what was paid back of each."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE payments (
        id           uuid        PRIMARY KEY,
        customer_id  uuid        NOT NULL,
        amount       numeric     NOT NULL CHECK (amount > 0),
        currency     text        NOT NULL,
        state        text        NOT NULL,
        ask_at       timestamptz,
        created_at   timestamptz NOT NULL,
        updated_at   timestamptz NOT NULL,

        refunded_whole  boolean  NOT NULL DEFAULT false
    ) WITH (fillfactor = 70)
    """)
    op.execute("CREATE INDEX payments_ask_at_idx ON payments (ask_at) WHERE ask_at IS NOT NULL")
    op.execute("""
    CREATE TABLE refunds (
        id               uuid        PRIMARY KEY,
        payment_id       uuid        NOT NULL REFERENCES payments (id),
        idempotency_key  text        NOT NULL,
        amount           numeric     NOT NULL CHECK (amount > 0),
        state            text        NOT NULL,
        ask_at           timestamptz,
        created_at       timestamptz NOT NULL,
        updated_at       timestamptz NOT NULL,

        UNIQUE (payment_id, idempotency_key)
    ) WITH (fillfactor = 70)
    """)
    op.execute("CREATE INDEX refunds_ask_at_idx ON refunds (ask_at) WHERE ask_at IS NOT NULL")


def downgrade() -> None:
    op.execute("DROP TABLE refunds")
    op.execute("DROP TABLE payments")
