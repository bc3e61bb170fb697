"""${message}."""

from alembic import op

revision = "${up_revision}"
down_revision = "${down_revision}"

# The oldest revision whose releases still work with the schema as this one leaves it.
compatible_from = "${up_revision}"


def upgrade(schema: str) -> None:
    op.execute(f"""
    """)


def downgrade(schema: str) -> None:
    op.execute(f"""
    """)
