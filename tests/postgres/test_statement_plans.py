"""How every statement is planned, whatever its values: rows are found by an index, and locked in one order.

Each statement of `metacore.postgres.statements` is explained with the plan for any values, as the storages' sessions
have it planned.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
import pytest

from metacore.postgres import SchemaDeployer
from metacore.postgres.client.planning import PLANNING
from metacore.postgres.client.statement import Statement
from metacore.postgres.statements.imports import Import
from metacore.postgres.tables.columns import METADATA

from .every_statement import SCHEMA, explained, fill, found, is_planned

Plans = Mapping[str, tuple[Statement, Any]]

READ_WHOLE: dict[str, str] = {
    "credentials.KEY_USE": "counts all, by key",
    "credentials.OUTDATED": "counts those of all users",
    "dead_letters.COUNT": "counts all that wait",
    "order_records.COUNT": "counts all",
    "portfolios.SYMBOLS": "names those of all users",
}
"""The statements that may read a table whole, and why."""


def read_whole(plan: Any, *, is_limited: bool = False) -> set[str]:
    """The tables that `plan` reads from end to end, themselves or an index of all their rows; a page leaves off."""
    if isinstance(plan, list):
        return set().union(*(read_whole(part, is_limited=is_limited) for part in plan))
    if not isinstance(plan, dict):
        return set()
    node = plan.get("Node Type")
    is_narrow = is_limited or "Index Cond" in plan or plan.get("Index Name") in PARTIAL
    by_index = node in ("Index Scan", "Index Only Scan") and is_narrow
    is_whole = str(node).endswith("Scan") and plan.get("Relation Name") in TABLES
    is_whole = is_whole and not by_index and node != "Bitmap Heap Scan"
    is_whole = is_whole or (node == "Bitmap Index Scan" and not is_narrow)
    own = {plan.get("Relation Name", plan.get("Index Name"))} if is_whole else set()
    is_limited = is_limited or node == "Limit"
    return own.union(*(read_whole(part, is_limited=is_limited) for part in plan.values()))


TABLES = {table.name for table in METADATA.sorted_tables}
PARTIAL = {
    index.name
    for table in METADATA.sorted_tables
    for index in table.indexes
    if (where := index.dialect_options["postgresql"]["where"]) is not None
    if not str(where).endswith(("infinity'", " IS NOT NULL")) or "order_id IS NULL" in str(where)
}
"""Indexes of few rows: those that are open, held, waiting or out of order. The conditions of others are names."""

LOCKED_BY = {
    "balances": {'lower asset COLLATE "C"', 'lower array COLLATE "C"', 'lower "*SELECT* 1".asset COLLATE "C"'},
    "inbox_positions": {'topic COLLATE "C", key COLLATE "C"'},
    "order_records": {'order_uid COLLATE "C"'},
    "orders": {"id", "order_id", "array", "orders_pkey"},
    "outbox_keys": {'key COLLATE "C"'},
    "outbox_progress": {'key COLLATE "C"'},
    "reservations": {"id", "array", "reservations_pkey"},
    "sessions": {"sessions_pkey"},
    "trades": {"id", "array"},
}
"""The order in which rows of a table are locked: columns, or those of an array that was sorted, or an index."""

STORED_FIRST = {
    "balances.ENSURE": "balances",
    "inbox.ENSURE": "inbox_positions",
    "order_records.INSERT_IF_ABSENT": "order_records",
    "order_records.SAVE": "order_records",
    "outbox.LOCK_KEYS": "outbox_keys",
}
"""The statements that store several rows which others may be storing, too, and which nothing has locked before."""


def inputs(plan: Any) -> list[Any]:
    """The parts of `plan` that rows come from: of a join, the outer one first."""
    return [part for part in plan.get("Plans", ()) if part["Parent Relationship"] not in ("InitPlan", "SubPlan")]


def nodes(plan: Any) -> Iterator[Any]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def order_of(plan: Any) -> str | None:
    """What the rows of `plan` are sorted by, without the names of tables; None if by nothing."""
    if "Sort Key" in plan:
        keys = re.sub(r"unnest\((\$\d+|\(InitPlan \d+\)\.col1)\)", "array", ", ".join(plan["Sort Key"]))
        return " ".join(re.sub(r"\b\w+\.|::text|[()]", " ", keys).split())
    if "Index Name" in plan:
        return str(plan["Index Name"])
    keeps_order = plan["Node Type"] in ("Nested Loop", "Subquery Scan", "Limit", "Unique", "LockRows", "Result")
    return order_of(inputs(plan)[0]) if keeps_order and inputs(plan) else None


def locking(plan: Any, outer: Any = None) -> Iterator[tuple[Any, str | None]]:
    """The scans of `plan` whose rows are locked as they are read, each with the order in which they come to be: that of
    the `outer` part of the join that looks them up, if one does.
    """
    if plan["Node Type"] == "LockRows":
        yield next(node for node in nodes(plan) if "Relation Name" in node), order_of(outer or plan)
    is_join = plan["Node Type"] == "Nested Loop"
    for position, part in enumerate(inputs(plan)):
        yield from locking(part, inputs(plan)[0] if is_join and position == 1 else outer)


def is_one_row(scan: Any) -> bool:
    """Whether each column of the table's key is to be equal to a parameter."""
    key = METADATA.tables[scan["Relation Name"]].primary_key.columns
    return all(re.search(rf"\b{column.name}\S* = \$\d", scan["Index Cond"]) for column in key)


@pytest.fixture(scope="module")
def planner(server) -> Iterator[psycopg.Connection]:
    SchemaDeployer(server.url, SCHEMA).deploy()
    with psycopg.connect(server.url, autocommit=True, options=f"-c search_path={SCHEMA}") as admin:
        fill(server.url, admin)
        for name, value in PLANNING.items():
            admin.execute(f"SET {name} = {value}")
        yield admin
        admin.execute(f"DROP SCHEMA {SCHEMA} CASCADE")


@pytest.fixture(scope="module")
def plans(planner: psycopg.Connection) -> Plans:
    """Each statement that is planned, by its name, and its plan."""
    plans = {}
    with planner.transaction(force_rollback=True):
        for _, value in found():
            if isinstance(value, Import):
                planner.execute(value.stage.text(SCHEMA))
        for name, statement in explained():
            if is_planned(statement):
                text = statement.positional(SCHEMA)[0].decode()
                (plan,) = planner.execute(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {text}", prepare=False).fetchone()
                plans[name] = statement, plan[0]["Plan"]
    return plans


def test_no_statement_reads_a_table_whole_but_those_about_all_rows(plans: Plans) -> None:
    whole = {name: tables for name, (_, plan) in plans.items() if (tables := read_whole(plan))}
    assert {name: tables for name, tables in whole.items() if name not in READ_WHOLE} == {}


def test_rows_are_locked_in_one_order(plans: Plans) -> None:
    unordered = {}
    for name, (statement, plan) in plans.items():
        text = statement.text(SCHEMA).decode()
        for scan, order in locking(plan) if "SKIP LOCKED" not in text else ():
            if not is_one_row(scan) and not (order in LOCKED_BY[scan["Relation Name"]] and "ORDER BY" in text):
                unordered[name] = order
    assert unordered == {}


def test_rows_that_nothing_has_locked_before_are_stored_in_the_order_in_which_they_are_locked(plans: Plans) -> None:
    unordered = {}
    for name, table in STORED_FIRST.items():
        (stored,) = (
            node
            for node in nodes(plans[name][1])
            if node["Node Type"] == "ModifyTable" and node["Relation Name"] == table
        )
        if (order := order_of(inputs(stored)[0])) not in LOCKED_BY[table]:
            unordered[name] = order
    assert unordered == {}


def test_the_statements_are_found():
    found = dict(explained())
    assert {"users.GET", "orders.list_open(True)", "orders.IMPORT.conflicts"} < found.keys()
    assert {name for name in READ_WHOLE if "()" not in name} <= found.keys()
