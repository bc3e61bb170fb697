"""The process of this service, as a member of the marketplace."""

from __future__ import annotations

import sys

from marketplace.service import run
from marketplace.users.app import build

if __name__ == "__main__":
    sys.exit(run("users", build))
