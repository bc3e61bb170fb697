"""The commands that show rows and look after the books: what they print for people and machines, how they exit."""

import json
import os
import pty
import re
import runpy
import subprocess
import sys
from contextlib import suppress
from decimal import Decimal
from types import SimpleNamespace

import pytest
import typer
from typer.testing import CliRunner

from metacore.cli import output
from metacore.cli.app import app
from metacore.domain.trading.orders import Order
from metacore.errors import ConfigurationError
from metacore.sync import NewUser, TradingService, connect
from metacore.testing.cases import each_case
from metacore.testing.factories import NewOrderFactory, NewTradeFactory

DONE, NOT_AS_NEEDED, WRONG_USAGE, FAILED = 0, 1, 2, 3


@pytest.fixture(scope="module")
def url(metacore_databases):
    with metacore_databases.database() as url:
        yield url


@pytest.fixture(scope="module")
def known(url):
    """Two users: alice has orders and trades, one of which waits; the locked of bob is no hold's."""
    with connect(url) as storage:
        trading = TradingService(storage)
        alice, bob = (storage.users.create(NewUser(username=name)).id for name in ("alice", "bob"))
        trading.deposit(alice, "USDT", Decimal(10_000), "bank-1")
        order = trading.place_order(NewOrderFactory.build(user_id=alice, raw={"n": Decimal("1.50")}))
        trading.settle_trade(NewTradeFactory.build(of=order))
        waiting = trading.settle_trade(NewTradeFactory.build(user_id=alice, exchange_order_id="nobody's")).trade
        for status in ("FILLED", "CANCELED"):
            storage.orders.create(NewOrderFactory.build(user_id=bob, status=status))
        storage.balances.put(bob, "BTC", Decimal(1), Decimal(5))
        return SimpleNamespace(alice=alice, bob=bob, order=storage.orders.get(alice, order.id), waiting=waiting)


def run(url, *arguments, expected=DONE):
    """What the command printed on its output, after it exited with the code that is expected."""
    environment = {"COLUMNS": "200", "METACORE_URL": url}
    result = CliRunner().invoke(app, [str(each) for each in arguments], env=environment)
    assert result.exit_code == expected, result.output
    assert "Traceback" not in result.output
    return result.output if expected not in (DONE, NOT_AS_NEEDED) else result.stdout


def lines(url, *arguments, expected=DONE):
    return [json.loads(line) for line in run(url, *arguments, "--json", expected=expected).splitlines()]


def test_users_are_listed_and_shown_by_id_and_by_name(url, known):
    assert [row["username"] for row in lines(url, "users")] == ["bob", "alice"]
    (shown,) = lines(url, "users", "alice")
    assert (shown["id"], [row["asset"] for row in shown["balances"]]) == (str(known.alice), ["BTC", "USDT"])
    assert str(known.bob) in run(url, "users", known.bob)
    assert run(url, "users", "--inactive", "--json") == ""


def test_orders_are_listed_by_their_fields(url, known):
    def statuses(*arguments):
        return sorted(row["status"] for row in lines(url, "orders", *arguments))

    assert statuses() == ["CANCELED", "FILLED", "PARTIALLY_FILLED"]
    assert statuses("--user", "bob") == ["CANCELED", "FILLED"]
    assert statuses("--status", "FILLED") == ["FILLED"]
    assert statuses("--status", "FILLED", "--status", "PARTIALLY_FILLED") == ["FILLED", "PARTIALLY_FILLED"]
    assert statuses("--symbol", "NONE") == statuses("--until", "2020-01-01") == []
    assert statuses("--since", "2020-01-01T00:00:00Z", "--side", "BUY") == statuses("--side", "BUY")


def test_an_order_is_shown_with_its_updates_exactly(url, known):
    (text,) = run(url, "orders", known.order.id, "--user", "alice", "--json").splitlines()
    document = json.loads(text)
    assert [update["seq"] for update in document.pop("updates")] == [1, 2]
    assert Order.model_validate_json(text.partition(',"updates"')[0] + "}") == known.order
    assert "1.50" in run(url, "orders", known.order.id, "--user", known.alice)


def test_trades_balances_and_the_journal_are_listed(url, known):
    assert [row["id"] for row in lines(url, "trades", "--state", "PENDING")] == [str(known.waiting.id)]
    assert len(lines(url, "trades", "--user", "alice")) == 2
    assert lines(url, "trades", known.waiting.id, "--user", "alice")[0]["state"] == "PENDING"
    assert {(row["asset"], row["locked"]) for row in lines(url, "balances", "--user", "bob")} == {("BTC", "5")}
    assert lines(url, "balances", "USDT", "--user", "alice")[0]["asset"] == "USDT"
    assert lines(url, "balances", "--unexplained") == []
    deposit, *_ = lines(url, "journal", "USDT", "--user", "alice", "--reason", "DEPOSIT")
    assert deposit["reference"] == "bank-1"


def test_a_list_that_goes_on_says_so_and_only_on_a_terminal_s_stream(url, known):
    result = CliRunner().invoke(app, ["journal", "--limit", "2", "--json"], env={"METACORE_URL": url})
    assert len(result.stdout.splitlines()) == 2
    assert "There are more" in result.stderr
    result = CliRunner().invoke(app, ["journal", "--all"], env={"METACORE_URL": url, "COLUMNS": "200"})
    assert "There are more" not in result.stderr
    assert result.stdout.count("HOLD") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("users", "nobody"),
        ("orders", "--user", "00000000-0000-0000-0000-000000000001"),
        ("orders", "00000000-0000-0000-0000-000000000001"),
        ("orders", "--since", "soon"),
        ("orders", "--status", "new"),
        ("orders", "--symbol", ""),
        ("trades", "--symbol", ""),
        ("journal", ""),
        ("balances", "NONE", "--user", "bob"),
        ("audit",),
        ("audit", "--all", "--user", "bob"),
    ],
)
def test_what_cannot_be_is_wrong_usage(url, known, arguments):
    assert run(url, *arguments, expected=WRONG_USAGE)


def test_the_audit_finds_what_disagrees(url, known):
    assert "All that must be true is true." in run(url, "audit", "--user", "alice")
    (finding,) = lines(url, "audit", "--all", expected=NOT_AS_NEEDED)
    assert (finding["user_id"], finding["rule"], finding["actual"]) == (str(known.bob), "LOCKED_IS_HOLDS", "5")
    assert "LOCKED_IS_HOLDS" in run(url, "audit", "--user", "bob", expected=NOT_AS_NEEDED)


@pytest.mark.parametrize("to_a_file", [True, False])
def test_findings_are_not_printed_onto_the_bar(url, known, to_a_file):
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "metacore", "audit", "--user", "bob", "--json"]
    environment = {"METACORE_URL": url, "TERM": "xterm", "COLUMNS": "1000"}
    output = subprocess.PIPE if to_a_file else theirs
    with subprocess.Popen(command, stdout=output, stderr=theirs, env=environment) as running:
        os.close(theirs)
        seen = b""
        # A terminal ends by an error.
        with suppress(OSError):
            while part := os.read(ours, 1 << 16):
                seen += part
        printed = running.stdout.read() if to_a_file else seen
    os.close(ours)
    assert b"Auditing users" in seen
    (line,) = [line for line in re.split(rb"\r?\n|\x1b\[\d?[A-Z]", printed) if b"LOCKED_IS_HOLDS" in line]
    assert json.loads(line)["user_id"] == str(known.bob)


def test_trades_that_wait_are_settled_when_their_order_is_known(url, known):
    assert lines(url, "settle-pending") == [{"UNKNOWN_ORDER": 1}]
    with connect(url) as storage:
        user = storage.users.create(NewUser(username="carol")).id
        late = NewOrderFactory.build(user_id=user)
        trade = TradingService(storage).settle_trade(NewTradeFactory.build(of=late)).trade
        TradingService(storage).deposit(user, "USDT", Decimal(10_000), "bank-2")
        TradingService(storage).place_order(late)
        assert lines(url, "settle-pending", "--user", "carol") == [{"SETTLED": 1}]
        assert storage.trades.get(user, trade.id).state == "SETTLED"
    assert "UNKNOWN_ORDER" in run(url, "settle-pending")


def test_the_state_of_the_schema_as_json(url):
    (state,) = lines(url, "status")
    assert (state["usable"], state["pending"], state["revision"]) == (True, [], state["head"])


def test_completion_is_offered_and_knows_the_commands(monkeypatch):
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    completed = CliRunner().invoke(app, ["--show-completion", "bash"], prog_name="metacore")
    assert (completed.exit_code, "complete" in completed.stdout) == (DONE, True)
    variables = {"_METACORE_COMPLETE": "complete_bash", "COMP_WORDS": "metacore settle", "COMP_CWORD": "1"}
    completed = CliRunner().invoke(app, [], env=variables, prog_name="metacore")
    assert completed.stdout.split() == ["settle-pending"]


@each_case(
    ("variables", "coloured"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)],
)
def test_colours_are_for_terminals_and_not_for_who_wants_none(capsys, variables, coloured):
    with pytest.MonkeyPatch.context() as patch:
        for name in ("FORCE_COLOR", "NO_COLOR"):
            patch.delenv(name, raising=False)
        for name, value in variables.items():
            patch.setenv(name, value)
        # Loaded anew: what a process may print is known to it from its beginning.
        reported_errors = runpy.run_path(output.__file__)["reported_errors"]
    with pytest.raises(typer.Exit), reported_errors():
        raise ConfigurationError("no URL")
    assert ("\x1b[1;31merror: " in capsys.readouterr().err) == coloured
