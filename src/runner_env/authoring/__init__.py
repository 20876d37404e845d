"""A contract written or repaired: by rules from what a repository states, or by an agent program.

    hints + manifests ─ rules ─▶ Recipe ─ render ─▶ files;   Recipe + what a run said ─ amend ─▶ Recipe

    target ─ copy ─▶ AgentCopy;   Brief ─ prompts ─▶ text ─ harness ─▶ the agent changes its copy
    AgentCopy ─ fence ─▶ Proposal, the rest refused and undone ─ demands ─▶ again, or Authored
    Proposal ─ take_over ─▶ target, with an Undo

A recipe and a proposal are values: nothing here runs a contract. What an agent or its program says it did is a claim;
what counts is what lies in the copy afterwards.
"""
