"""Who wrote a contract, from what, and what was tried: `scaffold_provenance.json`.

Format `runner-env/scaffold-provenance@1` (our own): `author` (`rules`), `accepted`, `command`, `source`, `amended`, and
`files`: of each file of the contract its path and SHA-256.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_env.authoring.model import Recipe

FORMAT: Final = "runner-env/scaffold-provenance@1"
NAME: Final = "scaffold_provenance.json"


def provenance(recipe: Recipe, files: Mapping[str, str], *, accepted: bool | None) -> dict[str, Any]:
    """What is known about a contract by rules; `accepted` is None while it has not been run."""
    return {
        "format": FORMAT,
        "author": "rules",
        "accepted": accepted,
        "command": recipe.option.command,
        "stated": recipe.option.stated,
        "source": recipe.option.source,
        "amended": list(recipe.amended),
        "files": [
            {"path": path, "sha256": hashlib.sha256(text.encode()).hexdigest()} for path, text in sorted(files.items())
        ],
    }
