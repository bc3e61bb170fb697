"""The table of schemes: what installed packages add to it, and what becomes of broken ones."""

import asyncio
import sys
import tomllib
import traceback
from pathlib import Path

import pytest

import metacore
import metacore.sync
from metacore.backends import schemes
from metacore.errors import ConfigurationError
from metacore.postgres import SchemaDeployer
from tests.backends.packages import backend, installed

SECRET = "hunter2"
CONNECTS = [metacore.connect, metacore.sync.connect]

each_world = pytest.mark.parametrize("connect", CONNECTS, ids=["async", "blocking"])


def refused(connect, url):
    with pytest.raises(ConfigurationError) as caught:
        connect(url)
    text = "".join(traceback.format_exception(caught.value))
    assert SECRET not in text
    assert caught.value.setting == "url"
    return str(caught.value)


def test_the_schemes_of_the_project_are_those_that_a_checkout_has():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert project["entry-points"][schemes.GROUP] == schemes.OWN


def test_a_strangers_storage_opens_in_both_worlds(stranger):
    with metacore.sync.connect("mine://shop") as storage:
        user = storage.users.create(metacore.NewUser(username="alice"))
    with metacore.sync.connect("mine://shop") as again:
        assert again.users.get(user.id) == user
        assert again.stats().operations == {"users.get": 1}

    async def find():
        async with metacore.connect("mine://shop") as storage:
            return await storage.users.list()

    assert asyncio.run(find()).items == ()


@each_world
def test_an_unknown_scheme_names_all_that_are_installed(connect, stranger):
    message = refused(connect, f"theirs://app:{SECRET}@host")
    assert message.endswith("use postgresql://..., memory://, embedded: or embedded:/path or mine://name")


def test_the_deployer_knows_the_same_schemes(stranger):
    with pytest.raises(ConfigurationError, match="mine: storages need no deployment"):
        SchemaDeployer("mine://shop").status()


BROKEN = {
    "no module": ("theirs.nowhere:BACKEND", {}, "theirs"),
    "no attribute": ("theirs:NOWHERE", {"theirs.py": ""}, "AttributeError"),
    "no object": ("theirs", {"theirs.py": ""}, "module"),
    "nothing": ("???", {}, "cannot load"),
    "an import that fails": ("theirs:X", {"theirs.py": f"raise RuntimeError('{SECRET}')"}, "RuntimeError"),
    "an import that exits": ("theirs:X", {"theirs.py": "raise SystemExit(3)"}, "SystemExit"),
    "a missing dependency": ("theirs:X", {"theirs.py": "import no_such_driver"}, "no_such_driver"),
    "another object": ("theirs:X", {"theirs.py": "X = 'memory'"}, "str"),
}

SCHEME = "from metacore.backends.schemes import Scheme\nX = Scheme('theirs://', '{0}', '{0}')\n"
WRONG = {
    "no class": ("theirs.nowhere:Storage", "", "theirs.nowhere"),
    "no such name": ("theirs:Storage", "", "AttributeError"),
    "no storage": ("theirs:Storage", "class Storage:\n    def __init__(self, *args): ...\n", "Storage"),
    "no arguments": ("theirs:Storage", "class Storage: ...\n", "TypeError"),
    "what fails": ("theirs:fail", "def fail(url, *_): raise ValueError(url)\n", "ValueError"),
    "what is no place": ("", "", "cannot load"),
}
PROGRAMS = BROKEN | {
    name: ("theirs:X", {"theirs.py": SCHEME.format(place) + text}, reason)
    for name, (place, text, reason) in WRONG.items()
}


@each_world
@pytest.mark.parametrize("flaw", PROGRAMS)
def test_the_error_of_a_broken_scheme_names_its_package_and_what_to_do(connect, flaw, tmp_path):
    value, files, reason = PROGRAMS[flaw]
    with installed(tmp_path, "their-backend", {"theirs": value}, files):
        message = refused(connect, f"theirs://app:{SECRET}@host")
        assert "their-backend" in message
        assert "repair, upgrade or remove" in message
        assert reason in message
        assert "memory://" in refused(connect, f"unknown://app:{SECRET}@host")
        connect("memory://")


@each_world
def test_a_storage_of_the_other_world_is_refused(connect, tmp_path):
    both = {"async": "metacore.sync.memory", "blocking": "metacore.memory"}
    places = [f"{both[world]}.storages.storage:MemoryStorage" for world in ("async", "blocking")]
    program = f"from metacore.backends.schemes import Scheme\nX = Scheme('memory://', *{places})\n"
    program += "from dataclasses import replace\n"
    with installed(tmp_path, "their-backend", {"theirs": "theirs:X"}, {"theirs.py": program}):
        assert "their-backend" in refused(connect, "theirs://")


@each_world
@pytest.mark.parametrize("scheme", ["mine", "memory", "postgresql"])
def test_two_packages_that_claim_one_scheme_are_both_named(connect, scheme, tmp_path):
    entries = {scheme: "yours.backend:MINE"}
    with (
        installed(tmp_path / "one", "your-backend", entries, backend("yours")),
        installed(tmp_path / "two", "other", entries),
    ):
        message = refused(connect, f"{scheme}://app:{SECRET}@host")
    assert "your-backend" in message
    assert "other" in message
    assert "remove all of them but one" in message


@each_world
def test_a_backend_that_lacks_a_storage_of_the_list_names_the_file(connect, tmp_path):
    files = {path: text for path, text in backend("yours").items() if not path.endswith("/trades.py")}
    with installed(tmp_path, "your-backend", {"yours": "yours.backend:MINE"}, files):
        with pytest.raises(ConfigurationError, match=r"yours/\w+/trades.py is missing"):
            connect("yours://shop")


@each_world
@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("", "no classes that inherit from TradeStorage"),
        ("class Mine(TradeStorage):\n    async def get(self, user_id, trade_id): ...\n", "lacks create, create_many"),
        ("class Mine(TradeStorage): ...\nclass Other(TradeStorage): ...\n", "2 classes that inherit from TradeStorage"),
    ],
)
def test_the_error_names_the_methods_that_a_storage_lacks(connect, text, missing, tmp_path):
    files = backend("yours")
    for place, package in (("waiting", "metacore"), ("blocking", "metacore.sync")):
        files[f"yours/{place}/trades.py"] = f"from {package}.storage.trades import TradeStorage\n{text}"
    with installed(tmp_path, "your-backend", {"yours": "yours.backend:MINE"}, files):
        with pytest.raises(ConfigurationError, match=rf"trades.py.*{missing}"):
            connect("yours://shop")


def test_memory_opens_without_loading_another_backend(tmp_path):
    with installed(tmp_path, "your-backend", {"yours": "yours.backend:MINE"}, backend("yours")):
        metacore.connect("memory://")
        assert "yours" not in sys.modules
