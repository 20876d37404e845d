"""`runner-env schema`: the published JSON Schemas."""

from __future__ import annotations

import click


@click.command(short_help="Print a JSON Schema, or the names of all.")
@click.argument("name", required=False)
def schema(name: str | None) -> int:
    """Print the JSON Schema NAME: of a contract file, or of what --json prints. Without NAME, list the names."""
    import difflib
    import json

    from runner_env.cli.output import emit
    from runner_env.errors import OptionError
    from runner_env.reporting.schemas import NAMES, published_schema

    if name is None:
        emit("".join(f"{known}\n" for known in NAMES))
        return 0
    if name not in NAMES:
        near = difflib.get_close_matches(name, NAMES, n=1, cutoff=0.4)
        hint = f"Did you mean {near[0]}?" if near else f"Known names: {', '.join(NAMES)}."
        raise OptionError("unknown_schema", f"There is no schema {name[:80]!r}.", hint=hint)
    emit(json.dumps(published_schema(name), indent=2) + "\n")
    return 0
