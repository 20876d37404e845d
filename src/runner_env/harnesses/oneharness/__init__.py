"""Agent programs driven by oneharness: one process a turn, the same envelope for each of them."""
