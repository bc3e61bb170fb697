"""Lines, in whatever pieces they come."""

from pathlib import Path
from random import Random

import pytest

from marketflow.lines import Splitter
from marketflow.settings import MarketSettings, load
from metacore import ConfigurationError


@pytest.mark.parametrize("seed", range(3))
def test_lines_are_the_same_in_any_pieces_and_what_is_too_long_is_passed_over(seed: int) -> None:
    random = Random(seed)
    lines = [bytes(random.choices(b"abc", k=random.choice([0, 1, 5, 10, 11, 50]))) for _ in range(300)]
    data, found, splitter = b"\n".join([*lines, b"rest"]), [], Splitter(10)
    while data:
        size = random.randrange(1, 40)
        found += splitter.feed(data[:size])
        data = data[size:]
    assert found == [line for line in lines if len(line) <= 10]
    assert splitter.too_long == sum(len(line) > 10 for line in lines)
    assert list(splitter.feed(b"\n")) == [b"rest"]


def test_an_argument_says_more_than_a_variable_and_that_more_than_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "marketflow.toml"
    path.write_text('port = 1\nrate = 1\nmode = "test"\n[sources]\na = "h.example:1"\n', encoding="utf-8")
    monkeypatch.setenv("MARKETFLOW_RATE", "2")
    monkeypatch.setenv("MARKETFLOW_PORT", "2")
    settings = load(str(path), "3")
    assert (settings.port, settings.rate, settings.mode) == (3, 2, "test")
    assert settings.sources == (("a", "h.example", 1),)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sources", "a=h"),
        ("sources", "a=h:0"),
        ("sources", "a=h:1,a=h:2"),
        ("symbols", "btc"),
        ("mode", "demo"),
        ("flush", "2"),
    ],
)
def test_the_error_names_the_setting_that_makes_no_sense(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    assert name in MarketSettings.model_fields
    monkeypatch.setenv(f"MARKETFLOW_{name.upper()}", value)
    with pytest.raises(ConfigurationError, match=f"^{name}"):
        load(None, None)
