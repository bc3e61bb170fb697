"""Users, and the names that they are found by."""

from alembic import op

revision = "0001"
down_revision = None
compatible_from = "0001"


def upgrade(schema: str) -> None:
    op.execute(f"""
    CREATE DOMAIN {schema}.key AS text COLLATE "C" CONSTRAINT key_short
        CHECK (char_length(VALUE) <= 255)
    """)
    op.execute(f"""
    CREATE DOMAIN {schema}.kyc_status AS text COLLATE "C" CONSTRAINT kyc_status_known
        CHECK (VALUE IN ('UNVERIFIED', 'PRIMARY', 'ADVANCED', 'INSTITUTIONAL'))
    """)
    op.execute(f"""
    CREATE TABLE {schema}.users (
        id              uuid                NOT NULL,
        exchange        {schema}.key        NOT NULL,
        uid             {schema}.key,
        username        {schema}.key,
        email           {schema}.key,
        telegram_id     bigint,
        kyc_status      {schema}.kyc_status NOT NULL,
        can_trade       boolean             NOT NULL,
        can_withdraw    boolean             NOT NULL,
        can_deposit     boolean             NOT NULL,
        account_type    {schema}.key        NOT NULL,
        permissions     text[] COLLATE "C"  NOT NULL,
        is_active       boolean             NOT NULL,
        balances_as_of      timestamptz,
        balances_synced_at  timestamptz,
        balances_since      timestamptz,
        balances_contrary   text[] COLLATE "C"  NOT NULL,
        archived_until      timestamptz,
        version         bigint              NOT NULL,
        created_at      timestamptz         NOT NULL,
        updated_at      timestamptz         NOT NULL,

        CONSTRAINT users_pkey PRIMARY KEY (id)
    )
    """)
    op.execute(f"""
    CREATE INDEX users_newest_idx ON {schema}.users (created_at DESC, id DESC) WHERE created_at > '-infinity'
    """)
    op.execute(f"CREATE INDEX users_inactive_idx ON {schema}.users (created_at DESC, id DESC) WHERE NOT is_active")
    op.execute(f"""
    CREATE DOMAIN {schema}.name_kind AS text COLLATE "C" CONSTRAINT name_kind_known
        CHECK (VALUE IN ('UID', 'USERNAME', 'EMAIL', 'TELEGRAM_ID', 'API_KEY'))
    """)
    op.execute(f"""
    CREATE TABLE {schema}.user_names (
        kind     {schema}.name_kind NOT NULL,
        value    text COLLATE "C"   NOT NULL,
        user_id  uuid               NOT NULL,

        CONSTRAINT user_names_pkey PRIMARY KEY (kind, value)
    )
    """)


def downgrade(schema: str) -> None:
    op.execute(f"DROP TABLE {schema}.user_names")
    op.execute(f"DROP DOMAIN {schema}.name_kind")
    op.execute(f"DROP TABLE {schema}.users")
    op.execute(f"DROP DOMAIN {schema}.kyc_status")
    op.execute(f"DROP DOMAIN {schema}.key")
