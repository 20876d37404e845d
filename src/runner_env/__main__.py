"""`python -m runner_env` is `runner-env`."""

from __future__ import annotations

from runner_env.cli import main

if __name__ == "__main__":
    main()
