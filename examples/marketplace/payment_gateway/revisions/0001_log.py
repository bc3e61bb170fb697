"""What the bank was asked for, and its mode."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE log (
        key       uuid        PRIMARY KEY,
        of        uuid,
        amount    numeric     NOT NULL,
        currency  text        NOT NULL,
        outcome   text        NOT NULL,
        asked     integer     NOT NULL,
        asked_at  timestamptz NOT NULL
    )
    """)
    op.execute("CREATE TABLE modes (is_the_one boolean PRIMARY KEY CHECK (is_the_one), mode text NOT NULL)")


def downgrade() -> None:
    op.execute("DROP TABLE modes")
    op.execute("DROP TABLE log")
