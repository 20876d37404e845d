"""Programs for contracts: rollout, evaluation and a server for a local model, on the target's own Python.

They need Python 3.9 or newer and the standard library, and of this package nothing but `wire`, `summaries` and `text`.
`guest/published` has the files that stages start.
"""
