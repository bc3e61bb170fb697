"""Balances and their journal."""

from alembic import op

revision = "0004"
down_revision = "0003"
compatible_from = "0001"


def upgrade(schema: str) -> None:
    op.execute(f"""
    CREATE TABLE {schema}.balances (
        asset       text        COLLATE "C" NOT NULL,
        free        numeric     NOT NULL,
        locked      numeric     NOT NULL,
        user_id     uuid        NOT NULL,
        last_seq    bigint      NOT NULL,
        version     bigint      NOT NULL,
        created_at  timestamptz NOT NULL,
        updated_at  timestamptz NOT NULL,

        CONSTRAINT balances_pkey PRIMARY KEY (user_id, asset),
        CONSTRAINT balances_users_fkey
            FOREIGN KEY (user_id) REFERENCES {schema}.users (id) ON DELETE CASCADE,
        CONSTRAINT balances_amounts_exact CHECK (
            scale(free) <= 18 AND abs(free) < 100000000000000000000
            AND scale(locked) <= 18 AND abs(locked) < 100000000000000000000
        ),
        CONSTRAINT balances_free_not_negative CHECK (free >= 0),
        CONSTRAINT balances_locked_not_negative CHECK (locked >= 0),
        CONSTRAINT balances_keys_short CHECK (char_length(asset) <= 255)
    )
    """)
    op.execute(f"""
    CREATE TABLE {schema}.balance_entries (
        user_id       uuid        NOT NULL,
        asset         text        COLLATE "C" NOT NULL,
        delta_free    numeric     NOT NULL,
        delta_locked  numeric     NOT NULL,
        reason        text        COLLATE "C" NOT NULL,
        reference     text        COLLATE "C",
        occurred_at   timestamptz NOT NULL,
        seq           bigint      NOT NULL,
        free_after    numeric     NOT NULL,
        locked_after  numeric     NOT NULL,
        created_at    timestamptz NOT NULL,

        CONSTRAINT balance_entries_pkey PRIMARY KEY (user_id, asset, seq),
        CONSTRAINT balance_entries_balances_fkey
            FOREIGN KEY (user_id, asset) REFERENCES {schema}.balances (user_id, asset) ON DELETE CASCADE,
        CONSTRAINT balance_entries_reason_known CHECK (
            reason IN ('DEPOSIT', 'WITHDRAWAL', 'HOLD', 'RELEASE', 'TRADE', 'COMMISSION', 'SNAPSHOT', 'ADJUSTMENT')
        ),
        CONSTRAINT balance_entries_amounts_exact CHECK (
            scale(delta_free) <= 18 AND abs(delta_free) < 100000000000000000000
            AND scale(delta_locked) <= 18 AND abs(delta_locked) < 100000000000000000000
            AND scale(free_after) <= 18 AND abs(free_after) < 100000000000000000000
            AND scale(locked_after) <= 18 AND abs(locked_after) < 100000000000000000000
        ),
        CONSTRAINT balance_entries_free_after_not_negative CHECK (free_after >= 0),
        CONSTRAINT balance_entries_locked_after_not_negative CHECK (locked_after >= 0),
        CONSTRAINT balance_entries_seq_from_one CHECK (seq >= 1),
        CONSTRAINT balance_entries_keys_short CHECK (char_length(reference) <= 255)
    )
    """)
    op.execute(f"""
    CREATE UNIQUE INDEX balance_entries_reference_key ON {schema}.balance_entries (user_id, reason, reference)
        WHERE reason IN ('DEPOSIT', 'WITHDRAWAL') AND reference IS NOT NULL
    """)
    op.execute(f"""
    CREATE INDEX balance_entries_moved_idx ON {schema}.balance_entries (user_id, occurred_at DESC)
        WHERE reason NOT IN ('HOLD', 'RELEASE')
    """)


def downgrade(schema: str) -> None:
    op.execute(f"DROP TABLE {schema}.balance_entries")
    op.execute(f"DROP TABLE {schema}.balances")
