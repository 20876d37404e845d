"""The command line: one file per subcommand, which parses, calls and prints; it loads what it uses when it runs."""

from __future__ import annotations

from runner_env.cli.root import main

__all__ = ["main"]
