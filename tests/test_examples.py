"""The demo runs alike on every backend, and what the README shows is true."""

import json
import re
import runpy
import shlex
import shutil
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import typer.main

from metacore.cli.app import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
URL = "postgresql://app@db/exchange"
BALANCE = re.compile(r"(?P<asset>[A-Z]+) (?P<free>[\d.]+) free(?:, (?P<locked>[\d.]+) locked)?")

Demo = Callable[..., tuple[Any, str]]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Demo:
    def run(url: str, directory: Path = ROOT / "examples") -> tuple[Any, str]:
        monkeypatch.setattr("sys.argv", ["quickstart.py", url])
        with pytest.raises(SystemExit) as caught:
            runpy.run_path(str(directory / "quickstart.py"), run_name="__main__")
        return caught.value.code, capsys.readouterr().out

    return run


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "examples", tmp_path / "examples"))


def test_the_demo_prints_the_same_on_both_backends(demo: Demo) -> None:
    code, printed = demo("memory://")
    assert code == 0
    assert demo("embedded:") == (0, printed)
    assert demo("memory://") == (0, printed)


def test_the_demo_tells_its_story(demo: Demo) -> None:
    printed = demo("memory://")[1]
    assert max(map(len, printed.splitlines())) <= 100
    for outcome in ("APPLIED", "DUPLICATE", "SETTLED", "UNKNOWN_ORDER", "STALE"):
        assert outcome in printed
    assert "refused: demo-buy-btc cannot go from FILLED to PARTIALLY_CANCELED; nothing was written\n" in printed
    assert printed.endswith("The exchange agrees; the audit found nothing.\n")


def test_the_demo_aligns_amounts_at_their_points(demo: Demo) -> None:
    printed = demo("memory://")[1].partition("10. ")[2]
    totals = [line for line in printed.splitlines() if line.startswith((" BTC", " MX", " ETH", " USDT"))]
    assert len(totals) == 4
    assert len({line.rindex(".") for line in totals}) == 1


def test_the_demo_fails_when_the_exchange_disagrees(demo: Demo, copy: Path) -> None:
    account = copy / "data" / "mexc" / "account_after.json"
    answer = json.loads(account.read_text(encoding="utf-8"))
    answer["balances"][0]["free"] += "1"
    account.write_text(json.dumps(answer), encoding="utf-8")
    code, printed = demo("memory://", copy)
    assert code == 1
    assert "The exchange DISAGREES; the audit found nothing." in printed


def test_the_demo_fails_when_the_audit_finds_something(demo: Demo, copy: Path) -> None:
    script = copy / "quickstart.py"
    audit = "        findings = "
    put = '        await storage.balances.put(user.id, "BTC", Decimal("0.07"), Decimal(0))\n'
    program = script.read_text(encoding="utf-8")
    assert audit in program
    script.write_text(program.replace(audit, put + audit), encoding="utf-8")
    code, printed = demo("memory://", copy)
    assert code == 1
    assert "LOCKED_IS_HOLDS" in printed


def test_the_demo_says_in_one_line_what_is_wrong_with_a_url(demo: Demo) -> None:
    code, printed = demo("nowhere://")
    assert printed == ""
    assert re.fullmatch(r"error: .*use postgresql://.*memory://.*", code)


def test_the_first_program_of_the_readme_prints_what_its_comments_say() -> None:
    program = blocks("python")[0]
    assert URL in program
    hold = re.search(r"^ *\)  # holds (\S+) (\w+)$", program, re.MULTILINE)
    assert hold is not None
    comments = re.findall(r"^ *print\(.*\)  # (.*)$", program, re.MULTILINE)
    shown = program.replace(f"  # holds {hold[1]} {hold[2]}", "; print(order)").replace(URL, "memory://")
    printed: list[Any] = []
    exec(compile(shown, "README.md", "exec"), {"__name__": "readme", "print": printed.append})
    order, first, again, balances, findings = printed
    assert (order.held_amount, order.held_asset) == (Decimal(hold[1]), hold[2])
    assert [first, again] == [comment.partition(":")[0] for comment in comments[:2]]
    said = {match["asset"]: (match["free"], match["locked"] or "0") for match in BALANCE.finditer(comments[2])}
    assert said == {balance.asset: (f"{balance.free:f}", f"{balance.locked:f}") for balance in balances}
    assert comments[3].startswith(f"{findings} :")


def test_the_other_programs_of_the_readme_run() -> None:
    programs = blocks("python")[1:]
    assert programs
    for program in programs:
        assert '"memory://"' in program
        names: dict[str, Any] = {}
        exec(compile(program, "README.md", "exec"), names)
        assert names["user"].username == "alice"


def test_the_commands_of_the_readme_exist() -> None:
    lines = [line.partition("#")[0] for block in blocks("sh") for line in block.splitlines()]
    sessions = {session for line in lines for session in re.findall(r"nox -s (\w+)", line)}
    noxfile = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    assert sessions == {"demo", "tests"}
    assert all(f"@nox.session\ndef {session}(" in noxfile for session in sessions)
    commands: Mapping[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    commands_shown = [shlex.split(line)[1:] for line in lines if line.startswith("metacore ")]
    assert commands_shown
    for name, *arguments in commands_shown:
        with commands[name].make_context(name, arguments) as context:
            assert context.params["url"].startswith("postgresql://")
