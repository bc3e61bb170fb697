"""Minutes of prices, in parts."""

from alembic import op

revision = "0016"
down_revision = "0015"
compatible_from = "0001"


def upgrade(schema: str) -> None:
    op.execute(f"""
    CREATE TABLE {schema}.bar_parts (
        symbol     text COLLATE "C"  NOT NULL,
        feed       {schema}.key      NOT NULL,
        exchange   {schema}.key      NOT NULL,
        starts_at  timestamptz       NOT NULL,
        part       uuid              NOT NULL,
        count      bigint            NOT NULL,
        sum        {schema}.amount   NOT NULL,
        low        {schema}.amount   NOT NULL,
        low_at     timestamptz       NOT NULL,
        high       {schema}.amount   NOT NULL,
        high_at    timestamptz       NOT NULL,
        last       {schema}.amount   NOT NULL,
        last_at    timestamptz       NOT NULL,

        CONSTRAINT bar_parts_pkey PRIMARY KEY (symbol, feed, exchange, starts_at, part),
        CONSTRAINT bar_parts_symbol_short CHECK (char_length(symbol) <= 255),
        CONSTRAINT bar_parts_count_possible CHECK (count > 0 AND count < 2147483648),
        CONSTRAINT bar_parts_last_between CHECK (low > 0 AND low <= last AND last <= high),
        CONSTRAINT bar_parts_average_between CHECK (low * count <= sum AND sum <= high * count),
        CONSTRAINT bar_parts_minute_whole CHECK (date_trunc('minute', starts_at, 'UTC') = starts_at),
        CONSTRAINT bar_parts_low_at_within
            CHECK (low_at >= starts_at AND low_at < starts_at + interval '1 minute'),
        CONSTRAINT bar_parts_high_at_within
            CHECK (high_at >= starts_at AND high_at < starts_at + interval '1 minute'),
        CONSTRAINT bar_parts_last_at_within
            CHECK (last_at >= starts_at AND last_at < starts_at + interval '1 minute')
    )
    """)
    op.execute(f"""
    CREATE INDEX bar_parts_all_idx ON {schema}.bar_parts (symbol, feed, starts_at DESC, exchange DESC)
        WHERE starts_at > '-infinity'
    """)
    op.execute(f"""
    CREATE INDEX bar_parts_oldest_idx ON {schema}.bar_parts (feed, starts_at, symbol, exchange)
        WHERE starts_at < 'infinity'
    """)


def downgrade(schema: str) -> None:
    op.execute(f"DROP TABLE {schema}.bar_parts")
