"""The model server by its older name; see `runner/serve.py` beside this folder."""

from __future__ import annotations

import runpy
from pathlib import Path

if __name__ == "__main__":
    runpy.run_path(str(Path(__file__).resolve().parent.with_name("serve.py")), run_name="__main__")
