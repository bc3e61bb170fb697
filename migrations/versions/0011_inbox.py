"""What has come in, and how far each consumer is."""

from alembic import op

revision = "0011"
down_revision = "0010"
compatible_from = "0001"


def upgrade(schema: str) -> None:
    op.execute(f"""
    CREATE TABLE {schema}.inbox_messages (
        consumer     text COLLATE "C" NOT NULL,
        message_id   text COLLATE "C" NOT NULL,
        accepted_at  timestamptz      NOT NULL,

        CONSTRAINT inbox_messages_pkey PRIMARY KEY (consumer, message_id),
        CONSTRAINT inbox_messages_consumer_short CHECK (char_length(consumer) <= 255),
        CONSTRAINT inbox_messages_message_id_short CHECK (char_length(message_id) <= 255)
    )
    """)
    op.execute(f"""
    CREATE INDEX inbox_messages_accepted_idx ON {schema}.inbox_messages (accepted_at)
        WHERE accepted_at > '-infinity'
    """)
    op.execute(f"""
    CREATE TABLE {schema}.inbox_positions (
        consumer  text COLLATE "C" NOT NULL,
        topic     text COLLATE "C" NOT NULL,
        key       text COLLATE "C" NOT NULL,
        seq       bigint           NOT NULL,

        CONSTRAINT inbox_positions_pkey PRIMARY KEY (consumer, topic, key),
        CONSTRAINT inbox_positions_consumer_short CHECK (char_length(consumer) <= 255),
        CONSTRAINT inbox_positions_topic_short CHECK (char_length(topic) <= 255),
        CONSTRAINT inbox_positions_key_short CHECK (char_length(key) <= 255)
    ) WITH (fillfactor = 50)
    """)


def downgrade(schema: str) -> None:
    op.execute(f"DROP TABLE {schema}.inbox_positions")
    op.execute(f"DROP TABLE {schema}.inbox_messages")
