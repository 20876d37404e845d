"""deploy.health: does the service answer, and is it the one that this run's setup started?"""

from __future__ import annotations

import sys

import service


def main() -> None:
    """Ask it."""
    print(f"healthy: {service.same_instance(service.runtime())}")


if __name__ == "__main__":
    sys.exit(service.run(main))
