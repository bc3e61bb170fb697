"""A schema at a revision of another release: left alone, refused, or marked again."""

import pytest
from psycopg import sql

from metacore import SchemaError
from metacore.postgres.schema.revisions import BASE, head_revision, revisions

from .versions import newest

OLDEST = min(revisions())


def set_revision(connection, schema, revision, comment) -> None:
    table = sql.Identifier(schema, "alembic_version")
    connection.execute(sql.SQL("UPDATE {} SET version_num = {}").format(table, revision))
    connection.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(table, comment))


@newest
def test_a_newer_compatible_schema_is_left_as_it_is(deployer, admin, schema, caplog):
    deployer.deploy()
    set_revision(admin, schema, "9999", f"metacore revision 9999, compatible from {OLDEST}")
    assert deployer.deploy() == ()
    assert "newer release" in caplog.text
    assert deployer.status().is_usable
    for refused in (deployer.check, lambda: deployer.downgrade(BASE)):
        with pytest.raises(SchemaError, match="9999"):
            refused()


@newest
def test_no_role_gets_rights_on_a_newer_schema(deployer, admin, schema, make_role):
    role = make_role()
    deployer.deploy()
    set_revision(admin, schema, "9999", f"metacore revision 9999, compatible from {OLDEST}")
    with pytest.raises(SchemaError, match=f'nothing was granted to "{role}"') as caught:
        deployer.deploy(app_role=role)
    assert (caught.value.current, caught.value.expected) == ("9999", head_revision())
    assert admin.execute("SELECT has_schema_privilege(%s, %s, 'USAGE')", [role, schema]).fetchone() == (False,)


@newest
@pytest.mark.parametrize("comment", ["metacore revision 9999, compatible from 9998", "another comment"])
def test_a_newer_schema_that_is_not_known_to_be_compatible_is_refused(deployer, admin, schema, comment):
    deployer.deploy()
    set_revision(admin, schema, "9999", comment)
    for refused in (deployer.deploy, lambda: deployer.downgrade(BASE)):
        with pytest.raises(SchemaError, match="newer"):
            refused()
    assert not deployer.status().is_usable


@newest
def test_deploy_restores_a_lost_mark(deployer, admin, schema):
    deployer.deploy()
    set_revision(admin, schema, head_revision(), None)
    assert deployer.status().revision is None
    assert deployer.deploy() == ()
    assert deployer.status().revision == head_revision()


@newest
def test_a_database_with_an_unknown_older_revision_is_refused(deployer, admin, schema):
    deployer.deploy()
    set_revision(admin, schema, "0000", None)
    with pytest.raises(SchemaError, match="0000"):
        deployer.deploy()
