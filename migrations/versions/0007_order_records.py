"""Order records: the order, its delivery, its payment and its items."""

from alembic import op

revision = "0007"
down_revision = "0006"
compatible_from = "0001"


def upgrade(schema: str) -> None:
    op.execute(f"""
    CREATE TABLE {schema}.order_records (
        order_uid           text COLLATE "C" NOT NULL,
        track_number        {schema}.key,
        entry               text COLLATE "C",
        locale              text COLLATE "C",
        internal_signature  text COLLATE "C",
        customer_id         {schema}.key,
        delivery_service    text COLLATE "C",
        shardkey            text COLLATE "C",
        sm_id               bigint,
        date_created        text COLLATE "C" NOT NULL,
        oof_shard           text COLLATE "C",
        extra               json,
        key_order           json,
        date_created_at     timestamptz      NOT NULL,
        digest              bytea            NOT NULL,
        version             bigint           NOT NULL,

        CONSTRAINT order_records_pkey PRIMARY KEY (order_uid),
        CONSTRAINT order_records_order_uid_short CHECK (char_length(order_uid) <= 255)
    )
    """)
    op.execute(f"""
    CREATE INDEX order_records_newest_idx ON {schema}.order_records (date_created_at DESC, order_uid DESC)
        WHERE date_created_at > '-infinity'
    """)
    op.execute(f"""
    CREATE INDEX order_records_customer_idx
        ON {schema}.order_records (customer_id, date_created_at DESC, order_uid DESC)
        WHERE customer_id IS NOT NULL
    """)
    op.execute(f"""
    CREATE INDEX order_records_track_number_idx ON {schema}.order_records (track_number)
        WHERE track_number IS NOT NULL
    """)
    op.execute(f"""
    CREATE TABLE {schema}.order_record_deliveries (
        order_uid  text COLLATE "C" NOT NULL,
        name       text COLLATE "C",
        phone      text COLLATE "C",
        zip        text COLLATE "C",
        city       text COLLATE "C",
        address    text COLLATE "C",
        region     text COLLATE "C",
        email      text COLLATE "C",
        extra      json,
        key_order  json,

        CONSTRAINT order_record_deliveries_pkey PRIMARY KEY (order_uid),
        CONSTRAINT order_record_deliveries_order_records_fkey
            FOREIGN KEY (order_uid) REFERENCES {schema}.order_records (order_uid) ON DELETE CASCADE
    )
    """)
    op.execute(f"""
    CREATE TABLE {schema}.order_record_payments (
        order_uid      text COLLATE "C" NOT NULL,
        transaction    text COLLATE "C",
        request_id     text COLLATE "C",
        currency       text COLLATE "C",
        provider       text COLLATE "C",
        amount         {schema}.amount,
        payment_dt     bigint,
        bank           text COLLATE "C",
        delivery_cost  {schema}.amount,
        goods_total    {schema}.amount,
        custom_fee     {schema}.amount,
        extra          json,
        key_order      json,

        CONSTRAINT order_record_payments_pkey PRIMARY KEY (order_uid),
        CONSTRAINT order_record_payments_order_records_fkey
            FOREIGN KEY (order_uid) REFERENCES {schema}.order_records (order_uid) ON DELETE CASCADE
    )
    """)
    op.execute(f"""
    CREATE TABLE {schema}.order_record_items (
        order_uid     text COLLATE "C" NOT NULL,
        position      bigint           NOT NULL,
        chrt_id       bigint,
        track_number  text COLLATE "C",
        price         {schema}.amount,
        rid           text COLLATE "C",
        name          text COLLATE "C",
        sale          {schema}.amount,
        size          text COLLATE "C",
        total_price   {schema}.amount,
        nm_id         bigint,
        brand         text COLLATE "C",
        status        bigint,
        extra         json,
        key_order     json,

        CONSTRAINT order_record_items_pkey PRIMARY KEY (order_uid, position),
        CONSTRAINT order_record_items_order_records_fkey
            FOREIGN KEY (order_uid) REFERENCES {schema}.order_records (order_uid) ON DELETE CASCADE
    )
    """)


def downgrade(schema: str) -> None:
    op.execute(f"DROP TABLE {schema}.order_record_items")
    op.execute(f"DROP TABLE {schema}.order_record_payments")
    op.execute(f"DROP TABLE {schema}.order_record_deliveries")
    op.execute(f"DROP TABLE {schema}.order_records")
