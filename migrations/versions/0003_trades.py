"""Trades."""

from alembic import op

revision = "0003"
down_revision = "0002"
compatible_from = "0001"


def upgrade(schema: str) -> None:
    op.execute(f"""
    CREATE TABLE {schema}.trades (
        id                 uuid        NOT NULL,
        user_id            uuid        NOT NULL,
        order_id           uuid,
        exchange_order_id  text        COLLATE "C",
        client_order_id    text        COLLATE "C",
        exchange_trade_id  text        COLLATE "C" NOT NULL,
        symbol             text        COLLATE "C" NOT NULL,
        side               text        COLLATE "C" NOT NULL,
        price              numeric     NOT NULL,
        quantity           numeric     NOT NULL,
        quote_quantity     numeric     NOT NULL,
        commission         numeric     NOT NULL,
        commission_asset   text        COLLATE "C",
        is_maker           boolean,
        traded_at          timestamptz NOT NULL,
        raw                json,
        state              text        COLLATE "C" NOT NULL,
        version            bigint      NOT NULL,
        created_at         timestamptz NOT NULL,
        updated_at         timestamptz NOT NULL,
        order_key          text        COLLATE "C" NOT NULL,

        CONSTRAINT trades_pkey PRIMARY KEY (user_id, id),
        CONSTRAINT trades_exchange_trade_id_key UNIQUE (user_id, symbol, exchange_trade_id, order_key),
        CONSTRAINT trades_users_fkey
            FOREIGN KEY (user_id) REFERENCES {schema}.users (id) ON DELETE CASCADE,
        CONSTRAINT trades_side_known CHECK (side IN ('BUY', 'SELL')),
        CONSTRAINT trades_state_known CHECK (state IN ('RECORDED', 'PENDING', 'SETTLED')),
        CONSTRAINT trades_amounts_exact CHECK (
            scale(price) <= 18 AND abs(price) < 100000000000000000000
            AND scale(quantity) <= 18 AND abs(quantity) < 100000000000000000000
            AND scale(quote_quantity) <= 18 AND abs(quote_quantity) < 100000000000000000000
            AND scale(commission) <= 18 AND abs(commission) < 100000000000000000000
        ),
        CONSTRAINT trades_keys_short CHECK (
            char_length(exchange_order_id) <= 255 AND char_length(client_order_id) <= 255
            AND char_length(exchange_trade_id) <= 255 AND char_length(symbol) <= 255
            AND char_length(commission_asset) <= 255 AND char_length(order_key) <= 255
        )
    )
    """)
    op.execute(f"CREATE INDEX trades_newest_idx ON {schema}.trades (user_id, traded_at DESC, id DESC)")
    op.execute(f"CREATE INDEX trades_by_order_idx ON {schema}.trades (user_id, order_id, traded_at, id)")
    op.execute(f"""
    CREATE INDEX trades_pending_idx ON {schema}.trades (user_id, traded_at, id)
        WHERE state = 'PENDING'
    """)
    op.execute(f"""
    CREATE INDEX trades_unsettled_idx ON {schema}.trades (user_id, order_id)
        WHERE state <> 'SETTLED'
    """)
    op.execute(f"""
    CREATE INDEX trades_orphaned_by_exchange_order_id_idx ON {schema}.trades (user_id, exchange_order_id)
        WHERE state <> 'SETTLED' AND order_id IS NULL
    """)
    op.execute(f"""
    CREATE INDEX trades_orphaned_by_client_order_id_idx ON {schema}.trades (user_id, client_order_id)
        WHERE state <> 'SETTLED' AND order_id IS NULL
    """)


def downgrade(schema: str) -> None:
    op.execute(f"DROP TABLE {schema}.trades")
