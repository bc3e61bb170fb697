"""Portfolios and what they hold."""

from alembic import op

revision = "0005"
down_revision = "0004"
compatible_from = "0001"


def upgrade(schema: str) -> None:
    op.execute(f"""
    CREATE TABLE {schema}.portfolios (
        user_id     uuid        NOT NULL,
        version     bigint      NOT NULL,
        created_at  timestamptz NOT NULL,
        updated_at  timestamptz NOT NULL,

        CONSTRAINT portfolios_pkey PRIMARY KEY (user_id),
        CONSTRAINT portfolios_users_fkey
            FOREIGN KEY (user_id) REFERENCES {schema}.users (id) ON DELETE CASCADE
    )
    """)
    op.execute(f"""
    CREATE TABLE {schema}.portfolio_holdings (
        user_id   uuid            NOT NULL,
        symbol    {schema}.key    NOT NULL,
        quantity  {schema}.amount NOT NULL,

        CONSTRAINT portfolio_holdings_pkey PRIMARY KEY (user_id, symbol),
        CONSTRAINT portfolio_holdings_portfolios_fkey
            FOREIGN KEY (user_id) REFERENCES {schema}.portfolios (user_id) ON DELETE CASCADE,
        CONSTRAINT portfolio_holdings_quantity_positive CHECK (quantity > 0)
    )
    """)
    op.execute(f"""
    CREATE INDEX portfolio_holdings_holders_idx ON {schema}.portfolio_holdings (symbol, user_id)
        WHERE symbol IS NOT NULL
    """)


def downgrade(schema: str) -> None:
    op.execute(f"DROP TABLE {schema}.portfolio_holdings")
    op.execute(f"DROP TABLE {schema}.portfolios")
