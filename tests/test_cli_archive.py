"""`metacore archive`: killed anywhere and run again, nothing is lost and nothing is there twice."""

import os
import re
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from metacore.cli.app import app
from metacore.cli.shelves import Shelf
from metacore.domain.trading.archiving import KINDS
from metacore.postgres import EmbeddedPostgres, SchemaDeployer
from metacore.sync import NewUser, TradingService, connect, parse_feed_event
from metacore.testing.cases import each_case
from metacore.testing.factories import NewOrderFactory, NewTradeFactory
from tests.commands import PATIENCE, end, start

DONE, NOT_AS_NEEDED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130
NOW = datetime.now(UTC)
THEN, BEFORE = NOW - timedelta(days=30), (NOW - timedelta(days=10)).date().isoformat()
USERS, ORDERS = 4, 5


@pytest.fixture(scope="module")
def server():
    with EmbeddedPostgres() as server:
        SchemaDeployer(server.url).deploy()
        yield server


@pytest.fixture
def url(server):
    """Users with orders that were filled a month ago, and one order since."""
    with connect(server.url, clock=lambda: clock[0]) as storage:
        clock = [THEN]
        for user in storage.users.list().items:
            storage.users.delete(user.id)
        trading = TradingService(storage)
        for _ in range(USERS):
            clock[0] = THEN
            user = storage.users.create(NewUser())
            trading.deposit(user.id, "USDT", Decimal(10**6), "opening")
            trade(trading, user, ORDERS, THEN)
            clock[0] = NOW
            trade(trading, user, 1, NOW)
    return server.url


def trade(trading, user, count, moment):
    orders = trading.place_orders(
        [NewOrderFactory.build(user_id=user.id, raw={"n": Decimal("1.50")}) for _ in range(count)]
    )
    fills = [NewTradeFactory.build(of=order, quantity=order.quantity / 2, traded_at=moment) for order in orders * 2]
    trading.settle_trades(fills)


def rows_of(url):
    """All rows by kind, but the checkpoints."""
    found = Counter()
    with connect(url) as storage:
        for user in storage.users.list().items:
            assert storage.balances.audit(user.id) == []
            orders = storage.orders.list(user.id, limit=1000).items
            found.update(("orders", row.model_dump_json()) for row in orders)
            found.update(("trades", row.model_dump_json()) for row in storage.trades.list(user.id, limit=1000).items)
            for order in orders:
                found.update(("order_updates", row.model_dump_json()) for row in storage.order_updates.list(*order.key))
            entries = storage.balances.entries(user.id, limit=1000).items
            found.update(("entries", row.model_dump_json()) for row in entries if row.reason != "CHECKPOINT")
    return found


def rows_in(directory):
    shelf, found = Shelf(directory), Counter()
    for user_id in shelf.users():
        for part in shelf.parts(user_id):
            history = shelf.read(part)
            found.update((kind, row.model_dump_json()) for kind in KINDS for row in getattr(history, kind))
    return found


def run(url, directory, *arguments, expected=DONE):
    environment = {"COLUMNS": "200", "METACORE_URL": url}
    result = CliRunner().invoke(app, ["archive", str(directory), *map(str, arguments)], env=environment)
    assert result.exit_code == expected, result.output
    assert "Traceback" not in result.output
    return result.output


def archive(url, directory, expected=DONE):
    return run(url, directory, "--before", BEFORE, expected=expected)


def assert_whole(url, directory, before):
    """What is archived and what is stored is what was stored before, each row once."""
    assert rows_of(url) + rows_in(directory) == before
    assert sum(kind == "orders" for kind, _ in rows_in(directory).elements()) == USERS * ORDERS
    assert "add up with what is stored" in run(url, directory, "--verify")


def test_closed_history_goes_into_files_of_one_s_own(url, tmp_path):
    before, directory = rows_of(url), tmp_path / "kept" / "here"
    printed = archive(url, directory)
    assert re.search(rf"orders +{USERS * ORDERS}\b", printed)
    assert_whole(url, directory, before)
    modes = {path.stat().st_mode & 0o777 for path in directory.rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (directory, *directory.rglob("*")) if path.is_dir()} == {0o700}
    files = {path.name: path.read_bytes() for path in directory.rglob("*.jsonl")}
    archive(url, directory)
    assert {path.name: path.read_bytes() for path in directory.rglob("*.jsonl")} == files


def test_checkpoints_are_events_of_the_services_feed(url, tmp_path):
    run(url, tmp_path, "--before", BEFORE, "--feed", "books")
    with connect(url) as storage:
        checkpoints = [
            parse_feed_event(event).entries[-1] for event in storage.outbox.claim(["books"], keys=1000).events
        ]
        assets = [len(storage.balances.list(user.id)) for user in storage.users.list().items]
    assert [entry.reason for entry in checkpoints] == ["CHECKPOINT"] * sum(assets)
    assert "--verify" in run(url, tmp_path, "--verify", "--feed", "books", expected=WRONG_USAGE)


@pytest.mark.parametrize("point", ["before the commit", "after the commit", "in the manifest"])
@pytest.mark.parametrize("number", [1, 7])
def test_broken_off_it_goes_on(url, tmp_path, monkeypatch, point, number):
    before, calls = rows_of(url), [0]

    def broken(method, first):
        def call(self, *args):
            calls[0] += 1
            if calls[0] == number and not first:
                raise KeyboardInterrupt
            result = method(self, *args)
            if calls[0] == number:
                if point == "in the manifest":
                    manifest = tmp_path / "manifest.jsonl"
                    os.truncate(manifest, manifest.stat().st_size - 7)
                raise KeyboardInterrupt
            return result

        return call

    method = "keep" if point == "before the commit" else "note"
    monkeypatch.setattr(Shelf, method, broken(getattr(Shelf, method), first=point != "after the commit"))
    assert "Broken off" in archive(url, tmp_path, expected=INTERRUPTED)
    monkeypatch.undo()
    archive(url, tmp_path)
    assert_whole(url, tmp_path, before)


def test_killed_it_goes_on(url, tmp_path):
    before, files = rows_of(url), 0
    for more in (1, 4, 9):
        process = start(["archive", tmp_path, "--before", BEFORE], METACORE_URL=url)
        deadline = time.monotonic() + PATIENCE
        while process.is_alive() and len(list(tmp_path.rglob("0*"))) < files + more:
            assert time.monotonic() < deadline
            time.sleep(0.002)
        process.kill()
        end(process)
        files = len(list(tmp_path.rglob("0*")))
    archive(url, tmp_path)
    assert_whole(url, tmp_path, before)


def test_two_at_once_take_each_row_once(url, tmp_path):
    before = rows_of(url)
    both = [start(["archive", tmp_path, "--before", BEFORE], METACORE_URL=url) for _ in range(2)]
    assert [end(process) for process in both] == [DONE, DONE]
    archive(url, tmp_path)
    assert_whole(url, tmp_path, before)


@pytest.fixture
def archived(url, tmp_path):
    archive(url, tmp_path)
    return tmp_path


def test_a_file_that_was_changed_is_found(url, archived):
    path = max(archived.rglob("0*.jsonl"))
    path.write_bytes(path.read_bytes().replace(b'"seq":', b'"seq": ', 1))
    assert f"{path} was changed" in run(url, archived, "--verify", expected=NOT_AS_NEEDED)
    path.unlink()
    assert f"{path} is missing" in run(url, archived, "--verify", expected=NOT_AS_NEEDED)


def test_a_manifest_that_was_changed_is_found(url, archived):
    manifest = archived / "manifest.jsonl"
    lines = manifest.read_bytes().splitlines(keepends=True)
    manifest.write_bytes(b"".join(lines[1:]))
    assert "is not in the manifest" in run(url, archived, "--verify", expected=NOT_AS_NEEDED)
    archive(url, archived)
    assert sorted(manifest.read_bytes().splitlines(keepends=True)) == sorted(lines)
    manifest.write_bytes(b"{}\n")
    assert "manifest.jsonl:1" in run(url, archived, "--verify", expected=WRONG_USAGE)


def test_what_is_stored_is_audited_with_it(server, url, archived):
    with psycopg.connect(server.url) as admin:
        admin.execute("UPDATE metacore.balance_entries SET free_after = free_after + 1 WHERE reason = 'CHECKPOINT'")
    printed = run(url, archived, "--verify", expected=NOT_AS_NEEDED)
    assert "JOURNAL_ADDS_UP" in printed


def test_a_directory_without_the_parts_before_is_refused(url, archived, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    assert "is missing; name the directory" in archive(url, other, expected=WRONG_USAGE)


def test_what_is_archived_outlives_its_user(server, url, archived):
    with connect(server.url) as storage:
        user = storage.users.list().items[0]
        storage.users.delete(user.id)
    assert f"of {USERS} users are as they were written" in run(url, archived, "--verify")


def test_heads_that_were_kept_tell_of_a_journal_that_is_another(server, url, archived, tmp_path):
    kept = tmp_path / "heads.jsonl"
    printed = CliRunner().invoke(app, ["heads"], env={"METACORE_URL": url}).output
    assert len(printed.splitlines()) > USERS
    kept.write_text(printed)
    with connect(server.url) as storage:
        users = storage.users.list().items
        TradingService(storage).deposit(users[0].id, "USDT", Decimal(1), "since")
        assert "add up with what is stored" in run(url, archived, "--verify", "--heads", kept)
        lines = printed.splitlines(keepends=True)
        kept.write_text("".join([*lines[1:], lines[0].replace('"seq":', '"seq":1')]))
        assert "JOURNAL_HAS_HEADS" in run(url, archived, "--verify", "--heads", kept, expected=NOT_AS_NEEDED)
        storage.users.delete(users[0].id)
    kept.write_text(printed)
    findings = run(url, archived, "--verify", "--heads", kept, expected=NOT_AS_NEEDED)
    assert f"user {users[0].id}: is not stored" in findings
    kept.write_text(f"{printed}{{}}\n")
    assert f"line {len(lines) + 1} of" in run(url, archived, "--verify", "--heads", kept, expected=WRONG_USAGE)


@each_case(
    ("arguments", "message"),
    [
        ([], "either --before"),
        (["--before", "2026-01-31", "--verify"], "either --before"),
        (["--before", "2026-01-31", "--heads", "kept"], "heads are for --verify"),
        (["--verify", "--heads", "/nowhere/heads"], "cannot be read"),
        (["--before", "yesterday"], "it is a date"),
        (["--before", "2026-01-31T12:00:00"], "it is a date"),
        (["--before", "2999-01-31"], "only what is past"),
    ],
)
def test_a_wrong_argument_is_refused(url, tmp_path, arguments, message):
    assert message in run(url, tmp_path, *arguments, expected=WRONG_USAGE)


def test_the_role_of_services_may_archive_nothing(server, url, tmp_path):
    before = rows_of(url)
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute("CREATE ROLE a_service LOGIN")
        SchemaDeployer(server.url).deploy(app_role="a_service")
    printed = archive(server.url.replace("postgres@", "a_service@", 1), tmp_path, expected=WRONG_USAGE)
    assert "permission denied" in printed or "lacks" in printed
    assert rows_of(url) == before
    assert Path(tmp_path / "manifest.jsonl").exists() is False
