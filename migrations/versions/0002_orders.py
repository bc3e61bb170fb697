"""Orders and their updates."""

from alembic import op

revision = "0002"
down_revision = "0001"
compatible_from = "0001"


def upgrade(schema: str) -> None:
    op.execute(f"""
    CREATE TABLE {schema}.orders (
        id                       uuid        NOT NULL,
        user_id                  uuid        NOT NULL,
        symbol                   text        COLLATE "C" NOT NULL,
        base_asset               text        COLLATE "C" NOT NULL,
        quote_asset              text        COLLATE "C" NOT NULL,
        side                     text        COLLATE "C" NOT NULL,
        type                     text        COLLATE "C" NOT NULL,
        time_in_force            text        COLLATE "C",
        status                   text        COLLATE "C" NOT NULL,
        price                    numeric,
        quantity                 numeric,
        quote_quantity           numeric,
        stop_price               numeric,
        executed_quantity        numeric     NOT NULL,
        executed_quote_quantity  numeric     NOT NULL,
        exchange_order_id        text        COLLATE "C",
        client_order_id          text        COLLATE "C",
        reason                   text        COLLATE "C",
        transacted_at            timestamptz,
        raw                      json,
        settled_quantity         numeric     NOT NULL,
        settled_quote_quantity   numeric     NOT NULL,
        held_asset               text        COLLATE "C",
        held_amount              numeric     NOT NULL,
        version                  bigint      NOT NULL,
        created_at               timestamptz NOT NULL,
        updated_at               timestamptz NOT NULL,

        CONSTRAINT orders_pkey PRIMARY KEY (user_id, id),
        CONSTRAINT orders_client_order_id_key UNIQUE (user_id, client_order_id),
        CONSTRAINT orders_exchange_order_id_key UNIQUE (user_id, exchange_order_id),
        CONSTRAINT orders_users_fkey
            FOREIGN KEY (user_id) REFERENCES {schema}.users (id) ON DELETE CASCADE,
        CONSTRAINT orders_side_known CHECK (side IN ('BUY', 'SELL')),
        CONSTRAINT orders_type_known CHECK (
            type IN ('LIMIT', 'MARKET', 'LIMIT_MAKER', 'IMMEDIATE_OR_CANCEL', 'FILL_OR_KILL', 'STOP_LIMIT')
        ),
        CONSTRAINT orders_time_in_force_known CHECK (time_in_force IN ('GTC', 'IOC', 'FOK')),
        CONSTRAINT orders_status_known CHECK (
            status IN ('PENDING_NEW', 'NEW', 'PARTIALLY_FILLED', 'FILLED', 'PENDING_CANCEL', 'CANCELED',
                       'PARTIALLY_CANCELED', 'REJECTED', 'EXPIRED')
        ),
        CONSTRAINT orders_amounts_exact CHECK (
            scale(price) <= 18 AND abs(price) < 100000000000000000000
            AND scale(quantity) <= 18 AND abs(quantity) < 100000000000000000000
            AND scale(quote_quantity) <= 18 AND abs(quote_quantity) < 100000000000000000000
            AND scale(stop_price) <= 18 AND abs(stop_price) < 100000000000000000000
            AND scale(executed_quantity) <= 18 AND abs(executed_quantity) < 100000000000000000000
            AND scale(executed_quote_quantity) <= 18 AND abs(executed_quote_quantity) < 100000000000000000000
            AND scale(settled_quantity) <= 18 AND abs(settled_quantity) < 100000000000000000000
            AND scale(settled_quote_quantity) <= 18 AND abs(settled_quote_quantity) < 100000000000000000000
            AND scale(held_amount) <= 18 AND abs(held_amount) < 100000000000000000000
        ),
        CONSTRAINT orders_held_amount_not_negative CHECK (held_amount >= 0),
        CONSTRAINT orders_hold_has_asset CHECK (held_amount = 0 OR held_asset IS NOT NULL),
        CONSTRAINT orders_keys_short CHECK (
            char_length(symbol) <= 255 AND char_length(base_asset) <= 255 AND char_length(quote_asset) <= 255
            AND char_length(exchange_order_id) <= 255 AND char_length(client_order_id) <= 255
            AND char_length(held_asset) <= 255
        )
    )
    """)
    op.execute(f"CREATE INDEX orders_newest_idx ON {schema}.orders (user_id, created_at DESC, id DESC)")
    op.execute(f"""
    CREATE INDEX orders_open_idx ON {schema}.orders (user_id, created_at DESC, id DESC)
        WHERE status IN ('PENDING_NEW', 'NEW', 'PARTIALLY_FILLED', 'PENDING_CANCEL')
    """)
    op.execute(f"CREATE INDEX orders_holding_idx ON {schema}.orders (user_id) WHERE held_amount > 0")
    op.execute(f"""
    CREATE TABLE {schema}.order_updates (
        user_id                  uuid        NOT NULL,
        order_id                 uuid        NOT NULL,
        previous_status          text        COLLATE "C",
        status                   text        COLLATE "C" NOT NULL,
        executed_quantity        numeric     NOT NULL,
        executed_quote_quantity  numeric     NOT NULL,
        outcome                  text        COLLATE "C" NOT NULL,
        reason                   text        COLLATE "C",
        source                   text        COLLATE "C" NOT NULL,
        occurred_at              timestamptz NOT NULL,
        raw                      json,
        seq                      bigint      NOT NULL,
        recorded_at              timestamptz NOT NULL,

        CONSTRAINT order_updates_pkey PRIMARY KEY (user_id, order_id, seq),
        CONSTRAINT order_updates_orders_fkey
            FOREIGN KEY (user_id, order_id) REFERENCES {schema}.orders (user_id, id) ON DELETE CASCADE,
        CONSTRAINT order_updates_previous_status_known CHECK (
            previous_status IN ('PENDING_NEW', 'NEW', 'PARTIALLY_FILLED', 'FILLED', 'PENDING_CANCEL', 'CANCELED',
                                'PARTIALLY_CANCELED', 'REJECTED', 'EXPIRED')
        ),
        CONSTRAINT order_updates_status_known CHECK (
            status IN ('PENDING_NEW', 'NEW', 'PARTIALLY_FILLED', 'FILLED', 'PENDING_CANCEL', 'CANCELED',
                       'PARTIALLY_CANCELED', 'REJECTED', 'EXPIRED')
        ),
        CONSTRAINT order_updates_outcome_known CHECK (outcome IN ('APPLIED', 'STALE')),
        CONSTRAINT order_updates_source_known CHECK (source IN ('LOCAL', 'REST', 'WEBSOCKET', 'RECONCILE')),
        CONSTRAINT order_updates_amounts_exact CHECK (
            scale(executed_quantity) <= 18 AND abs(executed_quantity) < 100000000000000000000
            AND scale(executed_quote_quantity) <= 18 AND abs(executed_quote_quantity) < 100000000000000000000
        ),
        CONSTRAINT order_updates_seq_from_one CHECK (seq >= 1)
    )
    """)


def downgrade(schema: str) -> None:
    op.execute(f"DROP TABLE {schema}.order_updates")
    op.execute(f"DROP TABLE {schema}.orders")
