"""`python -m marketflow` alone: its arguments, and that it starts what nobody names and takes it along."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

EXAMPLES = Path(__file__).parents[3] / "examples"


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "marketflow", *arguments]
    return subprocess.run(command, cwd=EXAMPLES, capture_output=True, text=True)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--port"],
        ["--port", "http"],
        ["--port", "0"],
        ["--port", "70000"],
        ["--prot", "80"],
        ["more"],
        ["--config", "/nowhere"],
    ],
)
def test_bad_arguments_are_refused_in_one_line(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)
    assert done.stderr.startswith("error: ")


def test_it_says_how_it_is_used() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert "--port N" in done.stdout


def test_it_starts_what_nobody_names_and_takes_it_along(
    monkeypatch: pytest.MonkeyPatch, start_system: Any, eventually: Any, tmp_path: Path
) -> None:
    for variable in ("METACORE_URL", "SERVICES_REDIS"):
        monkeypatch.delenv(variable, raising=False)
    config = tmp_path / "marketflow.toml"
    config.write_text('mode = "test"\nrate = 100\nsymbols = "BTCUSDT,ETHUSDT"\n', encoding="utf-8")
    system = start_system("marketflow", MARKETFLOW_CONFIG=str(config), MARKETFLOW_RATE="1")
    assert system.parts.keys() == {"METACORE_URL", "SERVICES_REDIS"}
    for symbol in ("BTCUSDT", "ETHUSDT"):
        for path in (symbol, f"exchange2/{symbol}"):
            for family in ("latest", "highest", "lowest", "average"):
                eventually(lambda asked=f"/prices/{family}/{path}": system.http.get(asked).status_code == 200, 20)
    assert system.http.get("/prices/latest/SOLUSDT").status_code == 404
    family = psutil.Process(system.process.pid).children(recursive=True)
    assert family
    assert system.stop(signal.SIGINT) == 0
    eventually(lambda: not any(process.is_running() and process.status() != "zombie" for process in family))
