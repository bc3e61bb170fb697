"""`python -m crypto`: start what no variable names, and the processes of the tracker; print the URLs."""

from __future__ import annotations

import os
import sys

from common.parts import Parts


def main() -> int:
    """Run the system until a signal ends it."""
    variables = ["METACORE_URL", "SERVICES_REDIS"]
    # By its variable alone: what else there is to set is read when the parts are starting already.
    pipeline = os.environ.get("CRYPTO_PIPELINE", "").lower() in {"1", "true", "yes", "on"}
    if pipeline:
        variables += ["SERVICES_KAFKA", "SERVICES_CLICKHOUSE"]
    parts = Parts(*variables).start()
    # All else is loaded while the parts start, and once for all processes: they are copies of this one.
    import metacore.postgres.storages.storage  # noqa: F401
    from common import group, logs
    from crypto import processes
    from crypto.settings import CryptoSettings

    settings = CryptoSettings()
    logs.configure("crypto", settings.log_level)
    return group.run("crypto", processes.members(settings), parts, settings.host, settings.port)


if __name__ == "__main__":
    sys.exit(main())
