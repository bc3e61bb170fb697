"""URLs with a password that lead nowhere, and the commands that are given them."""

from urllib.parse import quote

import pytest
from psycopg.conninfo import conninfo_to_dict

from metacore.cli.app import app as command_line
from metacore.config import Settings
from metacore.postgres import SchemaDeployer

URLS = [
    "postgresql://service:{password}@/no_such_database?host={host}",
    "postgresql://nobody:{password}@/postgres?host={host}",
    "postgresql://service:{password}@127.0.0.1:1/postgres?sslmode=verify-full&sslrootcert=/nowhere",
    "postgresql://service:{password}@/postgres?host={host}&sslmode=canary",
    "postgresql://service:{password}@/postgres?host={host}&no_such_parameter=1",
    "postgresql://service:{password}@/postgres?host={host}/nowhere",
    "postgresql://service:{password}@127.0.0.1:1/postgres",
    "postgresql://service:{password}@127.0.0.1:1/postgres?passfile=/nowhere&connect_timeout=x",
    "postgresql://service:{password}@no-such-host.invalid/postgres",
    "postgresql://service:{password}@host:port/postgres",
    "postgresql://service:{password}@[::1/postgres",
    "postgresql://service:{plain}@127.0.0.1:1/postgres",
    "postgresql://service:{plain}@/postgres?host={host}",
    "postgresql://service:{password}\udce4@127.0.0.1:1/postgres",
    "postgresql://{plain}",
    "postgresql:{plain}",
    "postgres://service:{password}%zz@127.0.0.1:1/postgres",
    "postgresql://service@/postgres?host={host}&password={password}&options=-cnonsense%3D1",
    "service:{password}@127.0.0.1/postgres",
    "mysql://service:{password}@127.0.0.1/postgres",
    "memory://service:{password}@127.0.0.1",
]


@pytest.fixture
def urls(server, canary):
    host = quote(str(conninfo_to_dict(server.url)["host"]), safe="")
    password = quote(canary.password, safe="")
    return [
        *(url.format(password=password, plain=canary.password, host=host) for url in URLS),
        canary.url(server, "not the canary"),
    ]


def test_what_cannot_be_opened(evidence, runner, connect, urls):
    def open_it(url):
        with runner.opened(connect(url, settings=Settings(connect_timeout=2))):
            """Never reached."""

    for number, url in enumerate(urls):
        evidence.fail(f"url {number}", lambda url=url: open_it(url))


@pytest.mark.parametrize("operation", ["deploy", "status", "check"])
def test_what_cannot_be_deployed(evidence, urls, operation):
    def run(url):
        getattr(SchemaDeployer(url, settings=Settings(connect_timeout=2)), operation)()

    for number, url in enumerate(urls):
        evidence.fail(f"url {number}", lambda url=url: run(url))


def test_what_the_role_may_not_deploy(evidence, server, canary):
    deployer = SchemaDeployer(canary.url(server), "another")
    evidence.add("deployer", f"{deployer!r} {deployer.sql()} {deployer.status()}")
    for call in (deployer.deploy, deployer.check, lambda: deployer.downgrade("x")):
        evidence.fail("deployer", call)


def test_the_command_line(evidence, server, urls, canary, monkeypatch):
    monkeypatch.setenv("METACORE_CONNECT_TIMEOUT", "2")
    good = canary.url(server)
    runs = [
        ["check", "--url", good, "--schema", "nowhere"],
        ["nonsense", "--url", good],
        ["sql", good],
        [good],
        ["rotate-keys", "--batch-size", good],
    ]
    commands = ("check", "deploy", "rotate-keys")
    runs += [[command, "--url", good] for command in commands]
    without = [[command, "--url", url] for command in commands for url in urls]
    for keys, all_runs in ((canary.keys, [*runs, *without]), (canary.keys[:-5], runs)):
        monkeypatch.setenv("METACORE_ENCRYPTION_KEYS", keys)
        for arguments in all_runs:
            with pytest.raises(SystemExit) as ended:
                command_line(arguments)
            assert ended.value.code in ({0, 1, 2, 3} if good in arguments else {2, 3})
