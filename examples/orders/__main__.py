"""`python -m orders`: start what no variable names, warm up, serve, print the URLs."""

from __future__ import annotations

import sys

from common import logs
from common.parts import Parts
from orders.settings import OrderSettings


def main() -> int:
    """Run the service until a signal ends it."""
    settings = OrderSettings()
    logs.configure("orders", settings.log_level)
    parts = Parts("METACORE_URL", "SERVICES_KAFKA").start()
    # Loaded while the parts start.
    from common.serving import run
    from orders.system import system

    return run(system(settings), parts)


if __name__ == "__main__":
    sys.exit(main())
