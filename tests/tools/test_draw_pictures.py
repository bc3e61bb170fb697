"""The pictures of docs/pictures/ are what the code says."""

import re
import subprocess
import sys
from pathlib import Path

from metacore.domain.trading.orders import CLOSED, OrderStatus
from metacore.domain.trading.states import TRANSITIONS

ROOT = Path(__file__).resolve().parents[2]


def test_the_pictures_are_made_of_the_sources() -> None:
    command = [sys.executable, "tools/draw_pictures.py", "--check"]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.stderr == ""
    assert checked.returncode == 0


def test_the_arrows_between_the_statuses_are_the_table_of_states() -> None:
    drawn = (ROOT / "docs" / "pictures" / "states.svg").read_text(encoding="utf-8")
    arrows = {(status, status) for status in OrderStatus if f">{status} ↻<" in drawn}
    for before, after in re.findall(r"<title>(.+) to (.+)</title>", drawn):
        befores = CLOSED if before == "any closed status" else {OrderStatus(before)}
        afters = CLOSED if after == "any closed status" else {OrderStatus(after)}
        arrows |= {(one, other) for one in befores for other in afters}
    assert arrows == {
        (before, after) for before, following in TRANSITIONS.items() if before is not None for after in following
    }
