"""`python -m orders`: start what no variable names, warm up, serve, print the URLs."""

from __future__ import annotations

import sys

from common.parts import Parts


def main() -> int:
    """Run the service until a signal ends it."""
    parts = Parts("METACORE_URL", "SERVICES_KAFKA").start()
    # All else is loaded while the parts start, what `connect` would load later among it.
    import metacore.postgres.storages.storage  # noqa: F401
    from common import logs
    from common.serving import run
    from orders.settings import OrderSettings
    from orders.system import system

    settings = OrderSettings()
    logs.configure("orders", settings.log_level)
    return run(system(settings), parts)


if __name__ == "__main__":
    sys.exit(main())
