"""Files that stages start with `"$AIDER_FSM_PYTHON" "$AIDER_FSM_RUNNER_ROOT/runner/<name>.py"`."""
