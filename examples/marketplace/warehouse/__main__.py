"""The process of this service, as a member of the marketplace."""

from __future__ import annotations

import sys

from marketplace.service import run
from marketplace.warehouse.app import build

if __name__ == "__main__":
    sys.exit(run("warehouse", build))
