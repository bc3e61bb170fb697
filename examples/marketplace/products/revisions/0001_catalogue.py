"""The catalogue: categories, products, and what is known of their pictures."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE categories (
            id uuid PRIMARY KEY,
            parent_id uuid REFERENCES categories,
            name text NOT NULL,
            version integer NOT NULL,
            CONSTRAINT categories_name UNIQUE NULLS NOT DISTINCT (parent_id, name)
        )
    """)
    op.execute("""
        CREATE TABLE products (
            id uuid PRIMARY KEY,
            seller_id uuid NOT NULL,
            category_id uuid NOT NULL REFERENCES categories,
            title text NOT NULL,
            description text NOT NULL,
            price numeric NOT NULL CHECK (price > 0),
            currency text NOT NULL,
            state text NOT NULL CHECK (state IN ('ACTIVE', 'ARCHIVED')),
            version integer NOT NULL,
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL,
            words tsvector NOT NULL
        )
    """)
    op.execute("CREATE INDEX products_words ON products USING gin (words) WHERE state = 'ACTIVE'")
    op.execute("CREATE INDEX products_category ON products (category_id, id)")
    op.execute("CREATE INDEX products_seller ON products (seller_id, id)")
    op.execute("""
        CREATE TABLE images (
            product_id uuid NOT NULL REFERENCES products,
            name text NOT NULL,
            media_type text NOT NULL,
            width integer NOT NULL,
            height integer NOT NULL,
            size integer NOT NULL,
            object_key text NOT NULL,
            created_at timestamptz NOT NULL,
            PRIMARY KEY (product_id, name)
        )
    """)


def downgrade() -> None:
    for table in ("images", "products", "categories"):
        op.execute(f"DROP TABLE {table}")
