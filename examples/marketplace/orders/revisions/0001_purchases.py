"""Purchases, each with the steps that it has taken."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE purchases (
        id               uuid        PRIMARY KEY,
        customer_id      uuid        NOT NULL,
        idempotency_key  text        NOT NULL,
        content          text        NOT NULL,
        state            text        NOT NULL,
        reason           text,
        warehouse        text        NOT NULL,
        currency         text        NOT NULL,
        total            numeric     NOT NULL CHECK (total > 0),
        lines            jsonb       NOT NULL,
        expires_at       timestamptz NOT NULL,
        look_at          timestamptz,
        steps            jsonb       NOT NULL,
        version          bigint      NOT NULL,
        created_at       timestamptz NOT NULL,
        updated_at       timestamptz NOT NULL,

        UNIQUE (customer_id, idempotency_key)
    ) WITH (fillfactor = 70)
    """)
    op.execute("CREATE INDEX purchases_of_customer_idx ON purchases (customer_id, id)")
    # The state is in no index, so that most changes of it write to none.
    op.execute("CREATE INDEX purchases_look_at_idx ON purchases (look_at) WHERE look_at IS NOT NULL")


def downgrade() -> None:
    op.execute("DROP TABLE purchases")
