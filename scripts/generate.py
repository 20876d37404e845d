"""Write every generated file again, or say which are out of date (--check)."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from runner_env.cli.help_pages import refreshed
from runner_env.contract import variables_markdown
from runner_env.reporting.schemas import NAMES, published_schema

ROOT = Path(__file__).resolve().parent.parent
_TABLE = re.compile(r"<!-- table:variables -->\n.*?<!-- /table -->", re.DOTALL)


def generated() -> Mapping[Path, str]:
    """Every generated file with its right content."""
    files = {
        ROOT / "schemas" / f"{name}.schema.json": json.dumps(published_schema(name), indent=2) + "\n" for name in NAMES
    }
    cli = ROOT / "docs" / "cli.md"
    files[cli] = refreshed(cli.read_text("utf-8"))
    spec = ROOT / "docs" / "pipeline_spec.md"
    table = f"<!-- table:variables -->\n{variables_markdown().strip()}\n<!-- /table -->"
    files[spec] = _TABLE.sub(lambda _: table, spec.read_text("utf-8"))
    return files


def main() -> int:
    """Write the files, or with `--check` only compare them; exit 1 if one was out of date."""
    checking = "--check" in sys.argv[1:]
    stale = [path for path, text in generated().items() if not path.exists() or path.read_text("utf-8") != text]
    for path in stale:
        if not checking:
            path.write_text(generated()[path], "utf-8")
        print(f"{'out of date' if checking else 'written'}: {path.relative_to(ROOT)}")
    if checking and stale:
        print("Run: make generate", file=sys.stderr)
    return 1 if checking and stale else 0


if __name__ == "__main__":
    sys.exit(main())
