"""Users."""

from alembic import op

revision = "0001"
down_revision = None
compatible_from = "0001"


def upgrade(schema: str) -> None:
    op.execute(f"""
    CREATE TABLE {schema}.users (
        id              uuid        NOT NULL,
        exchange        text        COLLATE "C" NOT NULL,
        uid             text        COLLATE "C",
        username        text        COLLATE "C",
        email           text        COLLATE "C",
        telegram_id     bigint,
        kyc_status      text        COLLATE "C" NOT NULL,
        can_trade       boolean     NOT NULL,
        can_withdraw    boolean     NOT NULL,
        can_deposit     boolean     NOT NULL,
        account_type    text        COLLATE "C" NOT NULL,
        permissions     text[]      COLLATE "C" NOT NULL,
        is_active       boolean     NOT NULL,
        balances_as_of  timestamptz,
        version         bigint      NOT NULL,
        created_at      timestamptz NOT NULL,
        updated_at      timestamptz NOT NULL,

        CONSTRAINT users_pkey PRIMARY KEY (id),
        CONSTRAINT users_uid_key UNIQUE (exchange, uid),
        CONSTRAINT users_username_key UNIQUE (username),
        CONSTRAINT users_email_key UNIQUE (email),
        CONSTRAINT users_telegram_id_key UNIQUE (telegram_id),
        CONSTRAINT users_kyc_status_known
            CHECK (kyc_status IN ('UNVERIFIED', 'PRIMARY', 'ADVANCED', 'INSTITUTIONAL')),
        CONSTRAINT users_keys_short CHECK (
            char_length(exchange) <= 255 AND char_length(uid) <= 255 AND char_length(username) <= 255
            AND char_length(email) <= 255 AND char_length(account_type) <= 255
        )
    )
    """)
    op.execute(f"CREATE INDEX users_newest_idx ON {schema}.users (created_at DESC, id DESC)")


def downgrade(schema: str) -> None:
    op.execute(f"DROP TABLE {schema}.users")
