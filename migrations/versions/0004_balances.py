"""Balances and their journal."""

from alembic import op

revision = "0004"
down_revision = "0003"
compatible_from = "0001"


def upgrade(schema: str) -> None:
    op.execute(f"""
    CREATE DOMAIN {schema}.entry_reason AS text COLLATE "C" CONSTRAINT entry_reason_known
        CHECK (VALUE IN ('DEPOSIT', 'WITHDRAWAL', 'HOLD', 'RELEASE', 'TRADE', 'COMMISSION', 'SNAPSHOT', 'ADJUSTMENT',
            'TRANSFER', 'CHECKPOINT'))
    """)
    op.execute(f"""
    CREATE TABLE {schema}.balances (
        asset       {schema}.key    NOT NULL,
        free        {schema}.amount NOT NULL,
        locked      {schema}.amount NOT NULL,
        user_id     uuid            NOT NULL,
        unexplained {schema}.amount NOT NULL,
        last_seq    bigint          NOT NULL,
        head        text COLLATE "C" NOT NULL,
        version     bigint          NOT NULL,
        created_at  timestamptz     NOT NULL,
        updated_at  timestamptz     NOT NULL,

        CONSTRAINT balances_pkey PRIMARY KEY (user_id, asset),
        CONSTRAINT balances_users_fkey
            FOREIGN KEY (user_id) REFERENCES {schema}.users (id) ON DELETE CASCADE,
        CONSTRAINT balances_free_not_negative CHECK (free >= 0),
        CONSTRAINT balances_locked_not_negative CHECK (locked >= 0)
    )
    """)
    op.execute(f"""
    CREATE UNIQUE INDEX balances_name_idx ON {schema}.balances (user_id, lower(asset)) WHERE lower(asset) IS NOT NULL
    """)
    op.execute(f"""
    CREATE INDEX balances_unexplained_idx ON {schema}.balances (user_id, asset) WHERE unexplained <> 0
    """)
    op.execute(f"""
    CREATE TABLE {schema}.balance_entries (
        user_id       uuid                  NOT NULL,
        asset         {schema}.key          NOT NULL,
        delta_free    {schema}.amount       NOT NULL,
        delta_locked  {schema}.amount       NOT NULL,
        delta_unexplained  {schema}.amount  NOT NULL,
        reason        {schema}.entry_reason NOT NULL,
        reference     {schema}.key,
        occurred_at   timestamptz           NOT NULL,
        seq           bigint                NOT NULL,
        free_after    {schema}.amount       NOT NULL,
        locked_after  {schema}.amount       NOT NULL,
        unexplained_after  {schema}.amount  NOT NULL,
        hash          text COLLATE "C"      NOT NULL,
        created_at    timestamptz           NOT NULL,

        CONSTRAINT balance_entries_pkey PRIMARY KEY (user_id, asset, seq),
        CONSTRAINT balance_entries_balances_fkey
            FOREIGN KEY (user_id, asset) REFERENCES {schema}.balances (user_id, asset) ON DELETE CASCADE,
        CONSTRAINT balance_entries_free_after_not_negative CHECK (free_after >= 0),
        CONSTRAINT balance_entries_locked_after_not_negative CHECK (locked_after >= 0),
        CONSTRAINT balance_entries_seq_from_one CHECK (seq >= 1)
    )
    """)
    op.execute(f"""
    CREATE UNIQUE INDEX balance_entries_reference_key ON {schema}.balance_entries (user_id, reason, reference)
        WHERE reason IN ('DEPOSIT', 'WITHDRAWAL') AND reference IS NOT NULL
    """)
    op.execute(f"""
    CREATE INDEX balance_entries_newest_idx
        ON {schema}.balance_entries (user_id, occurred_at DESC, asset DESC, seq DESC)
        WHERE occurred_at > '-infinity'
    """)
    op.execute(f"""
    CREATE INDEX balance_entries_reason_idx
        ON {schema}.balance_entries (user_id, reason, occurred_at DESC, asset DESC, seq DESC)
        WHERE reason IN ('ADJUSTMENT', 'CHECKPOINT', 'DEPOSIT', 'SNAPSHOT', 'TRANSFER', 'WITHDRAWAL')
            AND occurred_at < 'infinity'
    """)


def downgrade(schema: str) -> None:
    op.execute(f"DROP TABLE {schema}.balance_entries")
    op.execute(f"DROP TABLE {schema}.balances")
    op.execute(f"DROP DOMAIN {schema}.entry_reason")
