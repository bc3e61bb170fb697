"""Reservations: amounts that are locked for no order."""

from alembic import op

revision = "0014"
down_revision = "0013"
compatible_from = "0001"


def upgrade(schema: str) -> None:
    op.execute(f"""
    CREATE DOMAIN {schema}.reservation_state AS text COLLATE "C" CONSTRAINT reservation_state_known
        CHECK (VALUE IN ('PENDING', 'POSTED', 'VOIDED', 'EXPIRED'))
    """)
    op.execute(f"""
    CREATE TABLE {schema}.reservations (
        id             uuid                       NOT NULL,
        user_id        uuid                       NOT NULL,
        asset          {schema}.key               NOT NULL,
        amount         {schema}.amount            NOT NULL,
        reference      {schema}.key               NOT NULL,
        expires_at     timestamptz,
        state          {schema}.reservation_state NOT NULL,
        held_amount    {schema}.amount            NOT NULL,
        posted_amount  {schema}.amount            NOT NULL,
        posted_to      uuid,
        resolved_at    timestamptz,
        version        bigint                     NOT NULL,
        created_at     timestamptz                NOT NULL,
        updated_at     timestamptz                NOT NULL,

        CONSTRAINT reservations_pkey PRIMARY KEY (user_id, id),
        CONSTRAINT reservations_users_fkey
            FOREIGN KEY (user_id) REFERENCES {schema}.users (id) ON DELETE CASCADE,
        CONSTRAINT reservations_held_amount_not_negative CHECK (held_amount >= 0),
        CONSTRAINT reservations_amount_positive CHECK (amount > 0),
        CONSTRAINT reservations_held_within CHECK (held_amount <= amount),
        CONSTRAINT reservations_posted_within CHECK (posted_amount BETWEEN 0 AND amount),
        CONSTRAINT reservations_resolved_as_a_whole CHECK (
            (state = 'PENDING') = (resolved_at IS NULL) AND (state = 'PENDING' OR held_amount = 0)
            AND (state = 'POSTED') = (posted_amount > 0) AND (state = 'POSTED' OR posted_to IS NULL)
        )
    )
    """)
    op.execute(f"""
    CREATE UNIQUE INDEX reservations_reference_key ON {schema}.reservations (user_id, asset, reference)
        WHERE reference IS NOT NULL
    """)
    op.execute(f"""
    CREATE INDEX reservations_newest_idx ON {schema}.reservations (user_id, created_at DESC, id DESC)
        WHERE created_at > '-infinity'
    """)
    op.execute(f"""
    CREATE INDEX reservations_state_idx ON {schema}.reservations (user_id, state, created_at DESC, id DESC)
        WHERE created_at < 'infinity'
    """)
    op.execute(f"""
    CREATE INDEX reservations_due_idx ON {schema}.reservations (expires_at, user_id, id)
        WHERE state = 'PENDING' AND expires_at IS NOT NULL
    """)
    op.execute(f"""
    CREATE INDEX reservations_holding_idx ON {schema}.reservations (user_id) WHERE held_amount > 0
    """)


def downgrade(schema: str) -> None:
    op.execute(f"DROP TABLE {schema}.reservations")
    op.execute(f"DROP DOMAIN {schema}.reservation_state")
