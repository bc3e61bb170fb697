"""`metacore export` and `metacore import`: rows come back equal, and a line that cannot be read is set aside."""

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from threading import Event

import pytest
from typer.testing import CliRunner

from metacore.cli import loading
from metacore.cli.app import app
from metacore.cli.lines import LONGEST
from metacore.cli.row_forms import Row
from metacore.domain.trading.orders import NewOrder
from metacore.domain.trading.trades import NewTrade
from metacore.errors import StorageUnavailableError
from metacore.ids import new_id
from metacore.sync import NewUser, connect
from metacore.testing.clock import START
from metacore.testing.contract.samples import HOSTILE_JSON, HOSTILE_TEXTS
from metacore.testing.factories import NewOrderFactory, NewTradeFactory, NewUserFactory

DONE, NOT_AS_NEEDED, WRONG_USAGE = 0, 1, 2
SAMPLES = Path(__file__).parent / "exchanges" / "samples"


@pytest.fixture(scope="module")
def databases(metacore_databases):
    with metacore_databases.database() as one, metacore_databases.database() as other:
        yield one, other


@pytest.fixture
def urls(databases):
    for url in databases:
        with connect(url) as storage:
            for user in storage.users.stream():
                storage.users.delete(user.id)
    return databases


@pytest.fixture
def storage(urls):
    with connect(urls[0]) as storage:
        yield storage


@pytest.fixture
def user_id(storage):
    return storage.users.create(NewUser(username="alice")).id


def run(url, *arguments, expected=DONE, **options):
    environment = {"COLUMNS": "200", "METACORE_URL": url}
    result = CliRunner().invoke(app, [str(each) for each in arguments], env=environment, **options)
    assert result.exit_code == expected, result.output
    assert "Traceback" not in result.output
    return result


def imported(url, *arguments, **options):
    """How many rows were inserted, were duplicates, and were refused."""
    done = run(url, "import", *arguments, "--json", **options)
    counts = json.loads(done.stdout)
    return counts["inserted"], counts["duplicates"], counts["refused"]


def aside(file):
    refused = file.with_name(f"{file.name}.refused.jsonl")
    return [json.loads(line) for line in refused.read_text().splitlines()]


def fields_of(model, row):
    return {name: getattr(row, name) for name in model.model_fields}


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_rows_come_back_equal_in_another_database(urls, storage, tmp_path, form):
    texts = [text for text in HOSTILE_TEXTS if text]
    users = [storage.users.create(NewUserFactory.build(permissions=("a,b", "\n", '"')))]
    users += [storage.users.create(NewUser(username=text, is_active=False)) for text in texts]
    for user in users[:2]:
        orders = [
            storage.orders.create(NewOrderFactory.build(user_id=user.id, reason=text, raw=HOSTILE_JSON))
            for text in (*HOSTILE_TEXTS, None, '"quoted"', "\r\n,\r")
        ]
        trades = [NewTradeFactory.build(of=order, raw={"n": Decimal("1.50")}) for order in orders]
        storage.trades.create_many(trades)
    for kind in ("users", "orders", "trades"):
        file = tmp_path / f"{kind}.{form}"
        run(urls[0], "export", kind, file)
        assert file.stat().st_mode & 0o777 == 0o600
        inserted, *others = imported(urls[1], kind, file)
        assert (inserted > 0, others) == (True, [0, 0])
        assert imported(urls[1], kind, file) == (0, inserted, 0)
    with connect(urls[1]) as other:
        for user in users:
            assert fields_of(NewUser, other.users.get(user.id)) == fields_of(NewUser, user)
            for model, of in ((NewOrder, "orders"), (NewTrade, "trades")):
                stored, found = (
                    {row.id: fields_of(model, row) for row in getattr(where, of).stream(user.id)}
                    for where in (storage, other)
                )
                assert found == stored
    for kind in ("balances", "journal"):
        assert run(urls[0], "export", kind, "--format", form).exit_code == DONE


GOOD = {
    "order_id": "00000000-0000-0000-0000-000000000001",
    "symbol": "BTCUSDT",
    "side": "BUY",
    "price": "5",
    "quantity": "2",
    "traded_at": "2026-01-31T12:00:00Z",
}


def trade_line(owner, number, **changes):
    return json.dumps({"user_id": str(owner), "exchange_trade_id": str(number), **GOOD, **changes}).encode()


def test_bad_lines_are_set_aside_with_their_number_and_reason(urls, user_id, tmp_path):
    def line(number, **changes):
        return trade_line(user_id, number, **changes)

    bad = {
        b'{"user_id":': "not JSON",
        b"[]": "a line is a JSON object",
        b'{"price":"1","price":"2"}': "a key twice",
        line(3).replace(b'"5"', b"5.5"): "price",
        line(4).replace(b'"5"', b"NaN"): "NaN",
        line(5, symbol="a\0b"): "NUL",
        line(6).replace(b"BTC", b"\xff"): "not UTF-8",
        line(7, unknown=1): "unknown",
        line(8, commission="1"): "commission_asset",
        line(9, user_id="00000000-0000-0000-0000-000000000009"): "user not found",
        line(10).replace(b"BTC", b"B" * LONGEST): "too long",
        b"[" * 100_000: "",
        line(2, price="7"): "differs",
    }
    lines = [b"\xef\xbb\xbf" + line(1), line(2) + b"\r", b"", *bad, line(1), line(11)]
    file = tmp_path / "trades.jsonl"
    file.write_bytes(b"\n".join(lines))
    assert imported(urls[0], "trades", file, expected=NOT_AS_NEEDED) == (3, 1, len(bad))
    refused = {row["line"]: row for row in aside(file)}
    assert sorted(refused) == list(range(4, 4 + len(bad)))
    for number, (text, reason) in enumerate(bad.items(), 4):
        assert reason in refused[number]["reason"], refused[number]
        assert len(refused[number]["text"]) <= len(text) + 100
        assert refused[number]["text"][:20] == text[:20].decode()
    assert len(refused[14]["text"]) == 1000
    run(urls[0], "import", "trades", file, expected=WRONG_USAGE)


def test_a_file_without_rows_is_none_to_import(urls, user_id, tmp_path):
    file = tmp_path / "empty.jsonl"
    file.touch()
    assert imported(urls[0], "trades", file) == (0, 0, 0)


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (b"", "empty"),
        (b"user_id,symbol\n", "a column is missing: exchange_trade_id"),
        (b"user_id,user_id\n", "twice"),
        (b"user_id,colour\n", "no such column: 'colour'"),
        (b"user_id,\xff\n", "UTF-8"),
        ("user_id,symbol\n".encode("utf-16"), "UTF-16"),
        (b'"user_id', "names the columns"),
    ],
)
def test_a_file_of_csv_needs_a_head_that_can_be_read(urls, tmp_path, head, reason):
    file = tmp_path / "trades.csv"
    file.write_bytes(head)
    assert reason in run(urls[0], "import", "trades", file, expected=WRONG_USAGE).stderr


def test_bad_records_of_csv_are_set_aside(urls, user_id, tmp_path):
    columns = ["user_id", "exchange_trade_id", *GOOD, "raw", "is_maker"]

    def record(number, **changes):
        values = {"user_id": str(user_id), "exchange_trade_id": str(number), **GOOD, **changes}
        return ",".join(values.get(name, "") for name in columns).encode()

    bad = {
        record(3, price="five"): "price",
        record(4, price="NaN"): "price",
        record(5) + b",more": "cells",
        record(6, raw="{"): "JSON",
        record(7, symbol="\0"): "NUL",
        record(8).replace(b"BTC", b"\xe9"): "not UTF-8",
        record(9, symbol='"BTC"x'): "expected after",
        record(10, symbol="S" * (LONGEST + 1)): "too long",
        record(11, is_maker="perhaps"): "is_maker",
    }
    first = record(1, raw='"{""two"":\r\n1.50}"', is_maker="true")
    file = tmp_path / "trades.csv"
    file.write_bytes(b"\xef\xbb\xbf" + b"\r\n".join([",".join(columns).encode(), first, b"", *bad, record(2)]))
    assert imported(urls[0], "trades", file, expected=NOT_AS_NEEDED) == (2, 0, len(bad))
    refused = aside(file)
    assert [row["line"] for row in refused] == list(range(5, 5 + len(bad)))
    for row, reason in zip(refused, bad.values(), strict=True):
        assert reason in row["reason"], row
    with connect(urls[0]) as storage:
        (trade,) = storage.trades.get_by_exchange_trade_id(user_id, "BTCUSDT", "1")
    assert trade.raw == {"two": Decimal("1.50")}
    assert trade.is_maker is True


def test_what_is_open_to_the_end_is_one_record_and_the_rows_after_it_are_not_read(urls, user_id, tmp_path):
    file = tmp_path / "users.csv"
    file.write_bytes(b'username\nu1\n"u2\nu3\n' + b"x" * 1000 + b"\n")
    assert imported(urls[0], "users", file, expected=NOT_AS_NEEDED) == (1, 0, 1)
    assert aside(file)[0]["line"] == 3


def test_many_short_lines_that_are_open_are_read_once(urls, user_id, tmp_path):
    file = tmp_path / "users.csv"
    file.write_bytes(b'username\nu1\n"u2\n' + b"short,2\n" * 200_000)
    assert imported(urls[0], "users", file, expected=NOT_AS_NEEDED)[0] == 1


def test_users_are_imported_again_under_normal_names(urls, tmp_path, monkeypatch):
    monkeypatch.setenv("METACORE_NORMALIZE_NAMES", "true")
    file = tmp_path / "users.jsonl"
    ids = [new_id(), new_id()]
    file.write_text(
        "".join(f'{{"id": "{ids[n]}", "username": "{name}"}}\n' for n, name in enumerate(("Alice", "Alice Smith")))
    )
    assert imported(urls[0], "users", file, expected=NOT_AS_NEEDED) == (1, 0, 1)
    (tmp_path / "users.jsonl.refused.jsonl").unlink()
    assert imported(urls[0], "users", file, expected=NOT_AS_NEEDED) == (0, 1, 1)


def test_rows_that_conflict_are_found_in_every_portion(urls, storage, user_id, tmp_path, monkeypatch):
    monkeypatch.setattr(loading, "PORTION", 50)
    file = tmp_path / "trades.jsonl"
    file.write_bytes(b"\n".join(trade_line(user_id, n) for n in range(120)))
    assert imported(urls[0], "trades", file) == (120, 0, 0)
    wrong = {3, 4, 40, *range(70, 90), 119, 130}
    lines = [trade_line(user_id, n, price="7" if n in wrong else "5") for n in range(140)]
    file.write_bytes(b"\n".join([*lines, trade_line(user_id, 130)]))
    refused = {n + 1 for n in wrong - {130}} | {141}
    assert imported(urls[0], "trades", file, expected=NOT_AS_NEEDED) == (20, 140 - 24 - 20, len(refused))
    assert {row["line"] for row in aside(file)} == refused


@pytest.mark.parametrize("first_fails", [False, True])
def test_the_next_rows_of_a_file_are_read_while_those_before_are_stored_and_take_effect_after_them(
    monkeypatch, first_fails
):
    monkeypatch.setattr(loading, "PORTION", 1)
    rows = [Row(NewTradeFactory.build(user_id=new_id()), number, "") for number in (1, 2, 3)]
    second_is_read = Event()
    stored = []

    def store(portion, sent):
        (row,) = portion
        if row.number == 2:
            second_is_read.set()
        sent()
        assert second_is_read.wait(30)
        if first_fails:
            raise StorageUnavailableError("gone")
        stored.append(row.number)
        return loading.Stored(inserted=1)

    loaded = loading.load(rows, store, lambda *_: None, ahead=True)
    if first_fails:
        with pytest.raises(StorageUnavailableError):
            list(loaded)
    else:
        assert [each.inserted for each in loaded] == [1, 1, 1]
    assert stored == ([] if first_fails else [1, 2, 3])


def test_users_who_are_there_are_duplicates_or_conflicts(urls, storage, user_id, tmp_path):
    file = tmp_path / "users.jsonl"
    rows = [storage.users.get(user_id).model_dump_json(), '{"username":"alice"}', '{"username":"bob"}']
    file.write_text("\n".join(rows))
    assert imported(urls[0], "users", file, expected=NOT_AS_NEEDED) == (1, 1, 1)
    assert "username" in aside(file)[0]["reason"]


def test_answers_of_mexc_are_imported(urls, storage, user_id, tmp_path):
    of_alice = ("--user", "alice")
    trades = json.loads((SAMPLES / "my_trades.json").read_text())
    assert imported(urls[0], "trades", SAMPLES / "my_trades.json", *of_alice) == (len(trades), 0, 0)
    file = tmp_path / "answers.jsonl"
    file.write_text("\n".join(["[]", json.dumps(trades), json.dumps([*trades, {"id": 1}]), '{"code":1,"msg":"x"}']))
    options = (*of_alice, "--format", "mexc")
    assert imported(urls[0], "trades", file, *options, expected=NOT_AS_NEEDED) == (0, 2 * len(trades), 2)
    assert [row["line"] for row in aside(file)] == [3, 4]
    assert aside(file)[0]["reason"].startswith(f"item {len(trades)}: ")
    orders = (SAMPLES / "all_orders.json", *of_alice)
    assert imported(urls[0], "orders", *orders, "--quote-assets", "USDT")[0] > 0
    assert imported(urls[0], "orders", *orders, "--symbols", SAMPLES / "exchange_info.json")[0] == 0
    for arguments in (("orders", *orders), ("trades", SAMPLES / "my_trades.json"), ("users", file, "--format", "mexc")):
        run(urls[0], "import", *arguments, expected=WRONG_USAGE)


def test_rows_go_through_pipes(urls, storage, user_id):
    storage.trades.create(NewTradeFactory.build(user_id=user_id, traded_at=START - timedelta(days=1)))
    exported = run(urls[0], "export", "trades").stdout_bytes
    assert imported(urls[0], "trades", "-", "--format", "jsonl", input=exported) == (0, 1, 0)


def test_no_file_is_replaced_unasked(urls, user_id, tmp_path):
    file = tmp_path / "users.csv"
    file.write_text("mine")
    run(urls[0], "export", "users", file, expected=WRONG_USAGE)
    assert file.read_text() == "mine"
    run(urls[0], "export", "users", file, "--overwrite")
    assert "alice" in file.read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["users.csv"]


@pytest.mark.parametrize("arguments", [("missing.csv",), ("trades.xml",), (".", "--format", "csv")])
def test_a_file_that_cannot_be_read_is_wrong_usage(urls, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    run(urls[0], "import", "trades", *arguments, expected=WRONG_USAGE)
