"""`python -m crypto`: start what no variable names, and the processes of the tracker; print the URLs."""

from __future__ import annotations

import socket
import sys

from common.parts import Parts


def main() -> int:
    """Run the system until a signal ends it."""
    parts = Parts("METACORE_URL", "SERVICES_REDIS").start()
    from common import logs
    from common.group import Member, run
    from crypto.settings import CryptoSettings

    settings = CryptoSettings()
    logs.configure("crypto", settings.log_level)
    members = [Member("crypto.socket"), Member("crypto.aggregator"), Member("crypto.profile")]
    if settings.exchange_url is None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        url = f"ws://127.0.0.1:{port}/ws/!miniTicker@arr"
        members[0] = Member("crypto.socket", {"CRYPTO_EXCHANGE_URL": url})
        members.insert(0, Member("crypto.exchange", {"CRYPTO_EXCHANGE_PORT": str(port)}))
    return run("crypto", members, parts, settings.host, settings.port)


if __name__ == "__main__":
    sys.exit(main())
