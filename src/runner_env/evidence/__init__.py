"""What was observed, kept where no target can reach it: run directory, journal, captures, locks, published copy."""

from runner_env.evidence.capture import CaptureFile
from runner_env.evidence.journal import Journal
from runner_env.evidence.publish import Publisher
from runner_env.evidence.rundir import RunDir, StoredFile
from runner_env.evidence.workspace_lock import WorkspaceLock

__all__ = ["CaptureFile", "Journal", "Publisher", "RunDir", "StoredFile", "WorkspaceLock"]
