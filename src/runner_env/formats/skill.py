"""The evidence of a skill run: each trial in a file of its own as it ends, named in the journal with its hash.

`trials/<number>.json` has format `runner-env/skill-trial@1` (our own): `id`, `case_sha256`, `skill_sha256`, `complete`
(the conversation came to its end), `report` (as in the report of the run) and `calls`, with the raw reply of each.
"""

from __future__ import annotations

TRIAL_FORMAT = "runner-env/skill-trial@1"

TRIAL_EVENT = "trial_ended"
"""The journal's event for a trial: `trial`, `number`, `verdict`, `reference` and `sha256` of its file."""

KIND = "skill"
"""What `run_started` says the run is."""

STAGE = "trials"
"""What findings and the record name as the stage."""
