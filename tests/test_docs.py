"""What the pages of docs/ show and list is what the library does and has."""

import doctest
import importlib
import inspect
import logging
import pkgutil
import re
import textwrap
import tomllib
from dataclasses import is_dataclass
from pathlib import Path

import pytest

import metacore
from metacore import errors, exchanges, services
from metacore.config import Settings
from metacore.domain.trading.reports import Outcome
from metacore.domain.trading.states import TRANSITIONS
from metacore.postgres.tables import METADATA, RIGHTS
from metacore.storage.storages import STORAGES
from metacore.sync import NewUser, connect

ROOT = Path(__file__).parents[1]
RECIPES = sorted((ROOT / "docs" / "recipes").glob("*.md"))


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def table(text: str, *columns: str) -> list[list[str]]:
    """The rows of the table that begins with `columns`, cell by cell."""
    lines = iter(text.splitlines())
    opening = "| " + " | ".join(columns)
    assert any(line.startswith(opening) for line in lines), f"there is no table {columns}"
    next(lines)
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return rows


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def examples_of(name: str) -> str:
    return "\n".join(re.findall(r"^```pycon\n(.*?)^```$", page(name), re.MULTILINE | re.DOTALL))


def assert_they_come_out_so(examples: str, name: str) -> None:
    program = doctest.DocTestParser().get_doctest(examples, {}, name, f"docs/{name}", 0)
    said: list[str] = []
    results = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(program, out=said.append)
    assert "".join(said) == ""
    assert results.attempted == examples.count(">>> ") > 0


@pytest.mark.parametrize("name", ["guide.md", "money.md", "names.md", "records.md", "security.md", "tutorial.md"])
@pytest.mark.parametrize("url", ["memory://", "embedded:"])
def test_the_examples_come_out_so(name: str, url: str) -> None:
    examples = examples_of(name).replace("memory://", url)
    assert url in examples
    assert_they_come_out_so(examples, name)


@pytest.mark.parametrize("name", [path.stem for path in RECIPES if ">>> " in path.read_text(encoding="utf-8")])
def test_the_recipes_come_out_so(name: str) -> None:
    assert_they_come_out_so(examples_of(f"recipes/{name}.md"), name)


def test_what_the_recipe_of_a_service_shows_is_in_the_service() -> None:
    shown = re.findall(
        r"^```python\n# (examples/\S+)\n(.*?)^```$", page("recipes/service.md"), re.MULTILINE | re.DOTALL
    )
    assert shown
    for path, excerpt in shown:
        source = (ROOT / path).read_text(encoding="utf-8")
        assert excerpt in source or textwrap.indent(excerpt, "    ") in source, f"{path} has no such lines"


def methods(of: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(of, inspect.isfunction) if not name.startswith("_")}


def test_every_method_of_the_storages_is_listed() -> None:
    listed_methods = {
        names(name)[0]: names(listed) for name, _, listed in table(page("guide.md"), "Of a storage", "What it keeps")
    }
    assert {name: sorted(listed) for name, listed in listed_methods.items()} == {
        name: sorted(methods(protocol)) for name, protocol in STORAGES.items()
    }
    (line,) = (line for line in page("guide.md").splitlines() if line.startswith("A storage has"))
    storage, _, transaction = line.partition("; a transaction")
    assert set(names(storage)) == methods(metacore.Storage)
    assert set(names(transaction)) == methods(metacore.Transaction)


def test_every_method_of_the_services_is_listed() -> None:
    listed_methods = {names(name)[0]: names(listed) for name, listed in table(page("guide.md"), "Service", "Methods")}
    found = {name: getattr(metacore, name) for name in metacore.__all__}
    assert {name: sorted(listed) for name, listed in listed_methods.items()} == {
        name: sorted(methods(value))
        for name, value in found.items()
        if getattr(value, "__module__", "").startswith(f"{services.__name__}.") and not is_dataclass(value)
    }


def test_the_events_of_a_feed_are_listed_with_the_fields_of_their_payloads() -> None:
    documented = {names(name)[0]: names(payload) for name, payload, *_ in table(page("guide.md"), "Type", "Payload")}
    assert documented == {name: [model.__name__, *model.model_fields] for name, model in metacore.FEED_EVENTS.items()}


def test_the_parsers_of_exchanges_are_listed() -> None:
    lines = re.findall(r"^- (REST|Streams|Market data): (.+)$", page("guide.md"), re.MULTILINE)
    found = [each.name for each in pkgutil.iter_modules(exchanges.__path__) if each.ispkg]
    assert [name for name in found if f"metacore.exchanges.{name}" not in page("guide.md")] == []
    parsers = {name: importlib.import_module(f"metacore.exchanges.{name}").__all__ for name in found}
    named = {name for names_of in parsers.values() for name in names_of if name[0].islower()}
    assert named - set(names(" ".join(line for _, line in lines))) == set()
    private = names(" ".join(line for kind, line in lines if kind != "Market data"))
    assert sorted(private) == sorted(name for name in parsers["mexc"] if name[0].islower())


def test_the_table_of_states_is_the_one_that_decides() -> None:
    documented = {
        status: set(names(following))
        for statuses, following in table(page("money.md"), "Status", "may become")
        for status in names(statuses)
    }
    assert documented == {status: following for status, following in TRANSITIONS.items() if status is not None}


def test_the_outcomes_of_reports_are_outcomes() -> None:
    rows = table(page("money.md"), "Outcome", "When")
    of_trades = {Outcome.SETTLED, Outcome.COVERED, Outcome.PENDING, Outcome.MISMATCH}
    assert {outcome for outcome, *_ in rows} == set(Outcome) - of_trades


def test_every_setting_is_listed_with_its_variable_and_default() -> None:
    rows = table(page("operations.md"), "Setting", "Variable", "Default")
    expected = [(name, f"METACORE_{name.upper()}", field.default) for name, field in Settings.model_fields.items()]
    assert [tuple(names(" ".join(row[:2]))) for row in rows] == [row[:2] for row in expected]
    words = {"none": None, "true": True, "false": False}
    assert [words.get(row[2], row[2]) for row in rows] == [
        default if default is None or isinstance(default, bool) else str(default) for *_, default in expected
    ]


def test_every_error_is_listed_once_and_dooms_as_documented() -> None:
    rows = table(page("operations.md"), "Error", "What it means")
    classes = {
        name: cls
        for name, cls in inspect.getmembers(errors, inspect.isclass)
        if issubclass(cls, errors.MetacoreError) and cls is not errors.MetacoreError
    }
    documented = [(names(error)[0], dooms) for error, _, _, dooms, _ in rows]
    assert sorted(documented) == sorted(
        (name, "yes" if cls.dooms_transaction else "no") for name, cls in classes.items()
    )
    assert all("safe" in again or again in ("see below", "in a new transaction") for *_, again in rows)


def test_the_listed_figures_are_those_of_the_pool() -> None:
    figures = names(page("operations.md").partition("- `pool`: ")[2].partition("None in memory")[0])
    with connect("embedded:", settings=Settings(pool_max_size=1)) as storage:
        storage.users.create(NewUser())
        pool = storage.stats().pool
    assert pool is not None
    # These appear once they are above zero.
    late = {"requests_queued", "requests_wait_ms", "requests_errors", "connections_errors", "connections_lost"}
    assert set(figures) - set(pool) <= late
    assert {"pool_size", "pool_available", "requests_waiting", "requests_num"} <= set(figures)


def test_the_listed_loggers_are_those_of_the_package() -> None:
    listed: list[str] = []
    for loggers, *_ in table(page("operations.md"), "Logger", "Level"):
        for name in names(loggers):
            listed.append(listed[-1].rpartition(".")[0] + name if name.startswith(".") else name)
    sources = [path for path in (ROOT / "metacore").rglob("*.py") if "sync" not in path.parts]
    used = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in sources
        if "_logger." in path.read_text(encoding="utf-8")
    }
    assert sorted(listed) == sorted(used | {"psycopg.pool"})
    importlib.import_module("psycopg_pool")
    assert "psycopg.pool" in logging.root.manager.loggerDict


def test_the_rights_of_the_services_role_are_those_that_it_is_granted() -> None:
    rows = table(page("security.md"), "Tables", "The services' role may")
    documented = {name: rights.partition(":")[0] for tables, rights in rows for name in names(tables)}
    assert documented.pop("alembic_version") == "nothing"
    others = dict(rows)["all others"]
    assert {name: documented.get(name, others) for name in RIGHTS} == RIGHTS
    assert documented.keys() <= RIGHTS.keys()


def test_a_group_on_a_cluster_has_as_many_tables_as_documented() -> None:
    assert f"its own tables, {len(METADATA.tables) + 1} with Alembic's" in page("scaling.md")


def test_every_extra_is_listed() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert {names(extra)[0] for extra, _ in table(page("tutorial.md"), "Extra")} == extras.keys()


def test_every_folder_of_tests_is_listed() -> None:
    listed = {name for folders, _ in table(page("testing.md"), "Folder", "What it proves") for name in names(folders)}
    folders = {f"tests/{path.name}" for path in (ROOT / "tests").iterdir() if any(path.rglob("test_*.py"))}
    assert listed == folders | {"tests/test_*.py"}


def test_every_link_leads_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
    links = [
        (path, link) for path in pages for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8"))
    ]
    assert len(links) > 10
    for path, link in links:
        target, _, heading = link.partition("#")
        if "://" in link:
            continue
        led = path.parent / target if target else path
        assert led.exists(), f"{path.name} links to {link}"
        if heading:
            headings = re.findall(r"^#+ (.+)$", led.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", text).strip().lower().replace(" ", "-") for text in headings}
            assert heading in anchors, f"{path.name} links to {link}"
