"""`python -m marketplace`: start what no variable names and all services, and print the URLs."""

from __future__ import annotations

import sys

from common.parts import Parts


def main() -> int:
    """Run the marketplace until a signal ends it."""
    parts = Parts("METACORE_URL", "SERVICES_KAFKA", "SERVICES_S3", deployed=False).start()
    # All else is loaded while the parts start, and once for all services: they are copies of this process.
    import metacore.postgres.storages.storage  # noqa: F401
    from common import group, logs
    from marketplace.settings import MarketplaceSettings
    from marketplace.system import Prepared, load, members

    load()
    settings = MarketplaceSettings()
    logs.configure("marketplace", settings.log_level)
    return group.run("marketplace", members(), Prepared(parts, settings), settings.host, settings.port)


if __name__ == "__main__":
    sys.exit(main())
