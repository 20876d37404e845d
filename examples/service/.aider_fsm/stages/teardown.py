"""deploy.teardown: stop the service and remove its files; nothing to stop is fine."""

from __future__ import annotations

import sys

import service


def main() -> None:
    """Stop it."""
    print("the service was stopped" if service.stop() else "no service was running")


if __name__ == "__main__":
    sys.exit(service.run(main))
