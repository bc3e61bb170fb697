"""Where passwords are hashed: by a library that is loaded when it is needed."""

import subprocess
import sys

import pytest

from metacore.errors import ConfigurationError
from metacore.sync import SessionService, connect


def test_the_library_is_loaded_with_the_first_service() -> None:
    code = (
        "import sys, metacore.sync as m; from metacore import SessionService, HashCost; s = m.connect('memory://');"
        " print('argon2' in sys.modules); m.SessionService(s); print('argon2' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert told.split() == ["False", "True"]


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "argon2", None)
    with pytest.raises(ConfigurationError, match=r"metacore\[auth\]"):
        SessionService(connect("memory://"))
