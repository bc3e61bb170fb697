"""The process of this service, as a member of the marketplace."""

from __future__ import annotations

import sys

from marketplace.payments.app import build
from marketplace.service import run

if __name__ == "__main__":
    sys.exit(run("payments", build))
