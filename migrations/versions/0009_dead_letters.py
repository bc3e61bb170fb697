"""Dead letters: messages that could not be used."""

from alembic import op

revision = "0009"
down_revision = "0008"
compatible_from = "0001"


def upgrade(schema: str) -> None:
    op.execute(f"""
    CREATE DOMAIN {schema}.resolution AS text COLLATE "C" CONSTRAINT resolution_known
        CHECK (VALUE IN ('REPLAYED', 'DISCARDED'))
    """)
    op.execute(f"""
    CREATE TABLE {schema}.dead_letters (
        source       text COLLATE "C"     NOT NULL,
        position     text COLLATE "C"     NOT NULL,
        key          text COLLATE "C",
        value        bytea,
        headers      json                 NOT NULL,
        error        text COLLATE "C"     NOT NULL,
        field        text COLLATE "C",
        failed_at    timestamptz          NOT NULL,
        resolution   {schema}.resolution,
        note         text COLLATE "C",
        resolved_at  timestamptz,

        CONSTRAINT dead_letters_pkey PRIMARY KEY (source, position),
        CONSTRAINT dead_letters_source_short CHECK (char_length(source) <= 255),
        CONSTRAINT dead_letters_position_short CHECK (char_length(position) <= 300),
        CONSTRAINT dead_letters_resolved_as_a_whole CHECK ((resolution IS NULL) = (resolved_at IS NULL))
    )
    """)
    for name, kind in (("waiting", "NULL"), ("resolved", "NOT NULL")):
        op.execute(f"""
        CREATE INDEX dead_letters_{name}_idx
            ON {schema}.dead_letters (failed_at DESC, source DESC, position DESC)
            WHERE resolution IS {kind} AND failed_at > '-infinity'
        """)
        op.execute(f"""
        CREATE INDEX dead_letters_{name}_of_source_idx
            ON {schema}.dead_letters (source, failed_at DESC, position DESC)
            WHERE resolution IS {kind} AND failed_at < 'infinity'
        """)


def downgrade(schema: str) -> None:
    op.execute(f"DROP TABLE {schema}.dead_letters")
    op.execute(f"DROP DOMAIN {schema}.resolution")
