"""Trades."""

from alembic import op

revision = "0003"
down_revision = "0002"
compatible_from = "0001"


def upgrade(schema: str) -> None:
    op.execute(f"""
    CREATE DOMAIN {schema}.trade_state AS text COLLATE "C" CONSTRAINT trade_state_known
        CHECK (VALUE IN ('RECORDED', 'PENDING', 'SETTLED'))
    """)
    op.execute(f"""
    CREATE TABLE {schema}.trades (
        id                 uuid                 NOT NULL,
        user_id            uuid                 NOT NULL,
        order_id           uuid,
        exchange_order_id  {schema}.key,
        client_order_id    {schema}.key,
        exchange_trade_id  {schema}.key         NOT NULL,
        symbol             {schema}.key         NOT NULL,
        side               {schema}.order_side  NOT NULL,
        price              {schema}.amount      NOT NULL,
        quantity           {schema}.amount      NOT NULL,
        quote_quantity     {schema}.amount      NOT NULL,
        commission         {schema}.amount      NOT NULL,
        commission_asset   {schema}.key,
        is_maker           boolean,
        traded_at          timestamptz          NOT NULL,
        raw                json,
        state              {schema}.trade_state NOT NULL,
        version            bigint               NOT NULL,
        created_at         timestamptz          NOT NULL,
        updated_at         timestamptz          NOT NULL,
        order_key          {schema}.key         NOT NULL,

        CONSTRAINT trades_pkey PRIMARY KEY (user_id, id),
        CONSTRAINT trades_users_fkey
            FOREIGN KEY (user_id) REFERENCES {schema}.users (id) ON DELETE CASCADE
    )
    """)
    op.execute(f"""
    CREATE UNIQUE INDEX trades_exchange_trade_id_key
        ON {schema}.trades (user_id, symbol, exchange_trade_id, order_key)
        WHERE exchange_trade_id IS NOT NULL
    """)
    op.execute(f"""
    CREATE INDEX trades_newest_idx ON {schema}.trades (user_id, traded_at DESC, id DESC)
        WHERE traded_at > '-infinity'
    """)
    op.execute(f"""
    CREATE INDEX trades_by_order_idx ON {schema}.trades (user_id, order_id, traded_at, id)
        WHERE order_id IS NOT NULL
    """)
    op.execute(f"""
    CREATE INDEX trades_symbol_idx ON {schema}.trades (user_id, symbol, traded_at DESC, id DESC)
        WHERE traded_at < 'infinity'
    """)
    op.execute(f"""
    CREATE INDEX trades_recorded_idx ON {schema}.trades (user_id, traded_at DESC, id DESC)
        WHERE state = 'RECORDED'
    """)
    op.execute(f"""
    CREATE INDEX trades_pending_idx ON {schema}.trades (user_id, traded_at, id)
        WHERE state = 'PENDING'
    """)
    op.execute(f"""
    CREATE INDEX trades_unsettled_idx ON {schema}.trades (user_id, order_id)
        WHERE state <> 'SETTLED' AND order_id IS NOT NULL
    """)
    op.execute(f"""
    CREATE INDEX trades_orphaned_by_exchange_order_id_idx ON {schema}.trades (user_id, exchange_order_id)
        WHERE state <> 'SETTLED' AND order_id IS NULL AND exchange_order_id IS NOT NULL
    """)
    op.execute(f"""
    CREATE INDEX trades_orphaned_by_client_order_id_idx ON {schema}.trades (user_id, client_order_id)
        WHERE state <> 'SETTLED' AND order_id IS NULL AND exchange_order_id IS NULL AND client_order_id IS NOT NULL
    """)


def downgrade(schema: str) -> None:
    op.execute(f"DROP TABLE {schema}.trades")
    op.execute(f"DROP DOMAIN {schema}.trade_state")
