"""A contract's stages as they are run: planned, in order, with retries and limits, and checked."""
