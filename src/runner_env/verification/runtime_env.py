"""Whether deploy told the later stages where the service is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_env.verification.intake import Artifact, take_object
from runner_env.verification.model import RUNTIME_ENV_PATH

if TYPE_CHECKING:
    from runner_env.verification.model import Context, Verified

_ARTIFACT = Artifact(
    name="runtime_env.json",
    made_by="deploy_setup",
    stage="deploy_setup",
    path=RUNTIME_ENV_PATH,
    missing="missing_runtime_env_json",
    stale="runtime_env_stale",
    not_object="runtime_env_json_not_object",
)


def check_runtime_env(ctx: Context) -> Verified:
    """Take in `.aider_fsm/runtime_env.json`, a JSON object of any content; `{}` is fine.

    Call it when `deploy.setup_cmds` ran.

    Raises:
        EvidenceError: the run directory would not take it.
    """
    return take_object(ctx, _ARTIFACT)
