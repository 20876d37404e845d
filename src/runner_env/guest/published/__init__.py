"""What AIDER_FSM_RUNNER_ROOT names. The paths below it are public: contracts start the files by them."""
