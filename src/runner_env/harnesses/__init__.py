"""Clients of outside agent programs, behind one protocol: a session in a directory, turns, events, usage, an end.

    name ─ table ─▶ Harness ─ start(Opening) ─▶ HarnessSession ─ send(prompt) ─▶ Turn | HarnessError (classified)

What an agent says it did is a claim; whoever lets one work looks at the files.
"""
