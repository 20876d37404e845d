"""A contract proposed for a repository that has none: by rules from what it states; the runs room tries it.

    hints + manifests ─ rules ─▶ Recipe ─ render ─▶ files;   Recipe + what a run said ─ amend ─▶ Recipe

A recipe is a value: nothing here runs anything.
"""
