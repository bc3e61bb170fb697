"""Orders and their updates."""

from alembic import op

revision = "0002"
down_revision = "0001"
compatible_from = "0001"


def upgrade(schema: str) -> None:
    op.execute(f"""
    CREATE DOMAIN {schema}.amount AS numeric CONSTRAINT amount_exact
        CHECK (scale(VALUE) <= 36 AND abs(VALUE) < 100000000000000000000000000000000000000)
    """)
    op.execute(f"""
    CREATE DOMAIN {schema}.order_side AS text COLLATE "C" CONSTRAINT order_side_known
        CHECK (VALUE IN ('BUY', 'SELL'))
    """)
    op.execute(f"""
    CREATE DOMAIN {schema}.order_type AS text COLLATE "C" CONSTRAINT order_type_known
        CHECK (VALUE IN ('LIMIT', 'MARKET', 'LIMIT_MAKER', 'IMMEDIATE_OR_CANCEL', 'FILL_OR_KILL', 'STOP_LIMIT'))
    """)
    op.execute(f"""
    CREATE DOMAIN {schema}.time_in_force AS text COLLATE "C" CONSTRAINT time_in_force_known
        CHECK (VALUE IN ('GTC', 'IOC', 'FOK'))
    """)
    op.execute(f"""
    CREATE DOMAIN {schema}.order_status AS text COLLATE "C" CONSTRAINT order_status_known
        CHECK (VALUE IN ('PENDING_NEW', 'NEW', 'PARTIALLY_FILLED', 'FILLED', 'PENDING_CANCEL', 'CANCELED',
                         'PARTIALLY_CANCELED', 'REJECTED', 'EXPIRED'))
    """)
    op.execute(f"""
    CREATE DOMAIN {schema}.update_outcome AS text COLLATE "C" CONSTRAINT update_outcome_known
        CHECK (VALUE IN ('APPLIED', 'STALE'))
    """)
    op.execute(f"""
    CREATE DOMAIN {schema}.update_source AS text COLLATE "C" CONSTRAINT update_source_known
        CHECK (VALUE IN ('LOCAL', 'REST', 'WEBSOCKET', 'RECONCILE'))
    """)
    op.execute(f"""
    CREATE TABLE {schema}.orders (
        id                       uuid                   NOT NULL,
        user_id                  uuid                   NOT NULL,
        symbol                   {schema}.key           NOT NULL,
        base_asset               {schema}.key           NOT NULL,
        quote_asset              {schema}.key           NOT NULL,
        side                     {schema}.order_side    NOT NULL,
        type                     {schema}.order_type    NOT NULL,
        time_in_force            {schema}.time_in_force,
        status                   {schema}.order_status  NOT NULL,
        price                    {schema}.amount,
        quantity                 {schema}.amount,
        quote_quantity           {schema}.amount,
        stop_price               {schema}.amount,
        executed_quantity        {schema}.amount        NOT NULL,
        executed_quote_quantity  {schema}.amount        NOT NULL,
        exchange_order_id        {schema}.key,
        client_order_id          {schema}.key,
        reason                   text COLLATE "C",
        transacted_at            timestamptz,
        raw                      json,
        settled_quantity         {schema}.amount        NOT NULL,
        settled_quote_quantity   {schema}.amount        NOT NULL,
        held_asset               {schema}.key,
        held_amount              {schema}.amount        NOT NULL,
        placed_at                timestamptz,
        version                  bigint                 NOT NULL,
        created_at               timestamptz            NOT NULL,
        updated_at               timestamptz            NOT NULL,
        closed_as                text COLLATE "C" GENERATED ALWAYS AS (CASE
            WHEN status IN ('FILLED', 'CANCELED', 'PARTIALLY_CANCELED', 'REJECTED', 'EXPIRED') THEN status END) STORED,
        is_holding               boolean GENERATED ALWAYS AS (held_amount > 0) STORED NOT NULL,

        CONSTRAINT orders_pkey PRIMARY KEY (user_id, id),
        CONSTRAINT orders_users_fkey
            FOREIGN KEY (user_id) REFERENCES {schema}.users (id) ON DELETE CASCADE,
        CONSTRAINT orders_held_amount_not_negative CHECK (held_amount >= 0),
        CONSTRAINT orders_hold_has_asset CHECK (held_amount = 0 OR held_asset IS NOT NULL)
    ) WITH (fillfactor = 70)
    """)
    for name in ("client_order_id", "exchange_order_id"):
        op.execute(f"""
        CREATE UNIQUE INDEX orders_{name}_key ON {schema}.orders (user_id, {name}) WHERE {name} IS NOT NULL
        """)
    op.execute(f"""
    CREATE INDEX orders_newest_idx ON {schema}.orders (user_id, created_at DESC, id DESC)
        WHERE created_at > '-infinity'
    """)
    op.execute(f"""
    CREATE INDEX orders_open_idx ON {schema}.orders (user_id, created_at DESC, id DESC)
        WHERE closed_as IS NULL
    """)
    op.execute(f"""
    CREATE INDEX orders_symbol_idx ON {schema}.orders (user_id, symbol, created_at DESC, id DESC)
        WHERE closed_as IS NOT NULL AND symbol IS NOT NULL
    """)
    op.execute(f"""
    CREATE INDEX orders_status_idx ON {schema}.orders (user_id, closed_as, created_at DESC, id DESC)
        WHERE closed_as IS NOT NULL AND created_at < 'infinity'
    """)
    op.execute(f"CREATE INDEX orders_holding_idx ON {schema}.orders (user_id) WHERE is_holding")
    op.execute(f"""
    CREATE TABLE {schema}.order_updates (
        user_id                  uuid                    NOT NULL,
        order_id                 uuid                    NOT NULL,
        previous_status          {schema}.order_status,
        status                   {schema}.order_status   NOT NULL,
        executed_quantity        {schema}.amount         NOT NULL,
        executed_quote_quantity  {schema}.amount         NOT NULL,
        outcome                  {schema}.update_outcome NOT NULL,
        reason                   text COLLATE "C",
        source                   {schema}.update_source  NOT NULL,
        occurred_at              timestamptz             NOT NULL,
        raw                      json,
        seq                      bigint                  NOT NULL,
        recorded_at              timestamptz             NOT NULL,

        CONSTRAINT order_updates_pkey PRIMARY KEY (user_id, order_id, seq),
        CONSTRAINT order_updates_orders_fkey
            FOREIGN KEY (user_id, order_id) REFERENCES {schema}.orders (user_id, id) ON DELETE CASCADE,
        CONSTRAINT order_updates_seq_from_one CHECK (seq >= 1)
    )
    """)
    op.execute(f"""
    CREATE INDEX order_updates_stale_idx ON {schema}.order_updates (user_id, order_id, seq) WHERE outcome = 'STALE'
    """)


def downgrade(schema: str) -> None:
    op.execute(f"DROP TABLE {schema}.order_updates")
    op.execute(f"DROP TABLE {schema}.orders")
    op.execute(f"DROP DOMAIN {schema}.update_source")
    op.execute(f"DROP DOMAIN {schema}.update_outcome")
    op.execute(f"DROP DOMAIN {schema}.order_status")
    op.execute(f"DROP DOMAIN {schema}.time_in_force")
    op.execute(f"DROP DOMAIN {schema}.order_type")
    op.execute(f"DROP DOMAIN {schema}.order_side")
    op.execute(f"DROP DOMAIN {schema}.amount")
