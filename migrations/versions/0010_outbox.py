"""Events to be told, how far they are told, and where to look for more."""

from alembic import op

revision = "0010"
down_revision = "0009"
compatible_from = "0001"


def upgrade(schema: str) -> None:
    op.execute(f"""
    CREATE TABLE {schema}.outbox_keys (
        topic  text COLLATE "C" NOT NULL,
        key    text COLLATE "C" NOT NULL,

        CONSTRAINT outbox_keys_pkey PRIMARY KEY (topic, key),
        CONSTRAINT outbox_keys_topic_short CHECK (char_length(topic) <= 255),
        CONSTRAINT outbox_keys_key_short CHECK (char_length(key) <= 255)
    )
    """)
    op.execute(f"""
    CREATE TABLE {schema}.outbox_events (
        id           uuid             NOT NULL,
        topic        text COLLATE "C" NOT NULL,
        key          text COLLATE "C" NOT NULL,
        type         {schema}.key     NOT NULL,
        payload      json             NOT NULL,
        headers      json             NOT NULL,
        seq          bigint           NOT NULL,
        occurred_at  timestamptz      NOT NULL,
        recorded_at  timestamptz      NOT NULL,

        CONSTRAINT outbox_events_pkey PRIMARY KEY (topic, key, seq),
        CONSTRAINT outbox_events_topic_short CHECK (char_length(topic) <= 255),
        CONSTRAINT outbox_events_key_short CHECK (char_length(key) <= 255)
    )
    """)
    op.execute(f"""
    CREATE UNIQUE INDEX outbox_events_id_key ON {schema}.outbox_events (topic, id) WHERE id IS NOT NULL
    """)
    op.execute(f"""
    CREATE INDEX outbox_events_recorded_idx ON {schema}.outbox_events (recorded_at) WHERE recorded_at > '-infinity'
    """)
    op.execute(f"""
    CREATE TABLE {schema}.outbox_progress (
        topic        text COLLATE "C" NOT NULL,
        key          text COLLATE "C" NOT NULL,
        version      bigint           NOT NULL,
        done_seq     bigint           NOT NULL,
        claimed_seq  bigint           NOT NULL,
        claim_id     uuid,
        not_before   timestamptz,
        failures     bigint           NOT NULL,
        error        text COLLATE "C",

        CONSTRAINT outbox_progress_pkey PRIMARY KEY (topic, key, version),
        CONSTRAINT outbox_progress_topic_short CHECK (char_length(topic) <= 255),
        CONSTRAINT outbox_progress_key_short CHECK (char_length(key) <= 255)
    )
    """)
    op.execute(f"""
    CREATE TABLE {schema}.outbox_wakeups (
        topic  text COLLATE "C" NOT NULL,
        due    timestamptz      NOT NULL,
        key    text COLLATE "C" NOT NULL,
        seq    bigint           NOT NULL,

        CONSTRAINT outbox_wakeups_pkey PRIMARY KEY (topic, due, key, seq),
        CONSTRAINT outbox_wakeups_topic_short CHECK (char_length(topic) <= 255),
        CONSTRAINT outbox_wakeups_key_short CHECK (char_length(key) <= 255)
    )
    """)
    op.execute(f"""
    CREATE TABLE {schema}.outbox_waits (
        topic  text COLLATE "C"   NOT NULL,
        due    timestamptz        NOT NULL,
        id     uuid               NOT NULL,
        keys   text[] COLLATE "C" NOT NULL,

        CONSTRAINT outbox_waits_pkey PRIMARY KEY (topic, due, id),
        CONSTRAINT outbox_waits_topic_short CHECK (char_length(topic) <= 255)
    )
    """)


def downgrade(schema: str) -> None:
    op.execute(f"DROP TABLE {schema}.outbox_waits")
    op.execute(f"DROP TABLE {schema}.outbox_wakeups")
    op.execute(f"DROP TABLE {schema}.outbox_progress")
    op.execute(f"DROP TABLE {schema}.outbox_events")
    op.execute(f"DROP TABLE {schema}.outbox_keys")
