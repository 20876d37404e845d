"""Write every generated file again, or say which are out of date (--check)."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from runner_env.cli.help_pages import help_pages
from runner_env.cli.schema import schemas

from runner_env.contract.variables import variables_markdown

ROOT = Path(__file__).resolve().parent.parent


def generated() -> Mapping[Path, str]:
    """Every generated file with its right content."""
    files = {
        ROOT / "schemas" / f"{name}.schema.json": json.dumps(schema, indent=2) + "\n"
        for name, schema in schemas().items()
    }
    cli = ROOT / "docs" / "cli.md"
    files[cli] = _filled(cli, "help", help_pages())
    spec = ROOT / "docs" / "pipeline_spec.md"
    files[spec] = _filled(spec, "table", {"variables": variables_markdown()})
    return files


def _filled(page: Path, kind: str, parts: Mapping[str, str]) -> str:
    """The page with what stands between `<!-- kind:name -->` and `<!-- /kind -->` replaced by the part of that name."""
    fence = "```" if kind == "help" else ""

    def part(match: re.Match[str]) -> str:
        body = parts[match["name"]].strip("\n")
        block = f"{fence}text\n{body}\n{fence}" if fence else body
        return f"<!-- {kind}:{match['name']} -->\n{block}\n<!-- /{kind} -->"

    pattern = re.compile(rf"<!-- {kind}:(?P<name>[\w-]+) -->\n.*?<!-- /{kind} -->", re.DOTALL)
    return pattern.sub(part, page.read_text("utf-8"))


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
