"""Official commands: what a repository's own files say about testing, evaluating and benchmarking it."""
