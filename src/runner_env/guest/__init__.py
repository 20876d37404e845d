"""What runs inside a box: standard library only, Python >= 3.9, started with `-I -S`, never on a target's path.

Each box starts it anew, and each command forks it, so it loads little: `TYPE_CHECKING` is spelled out because `typing`
takes longer than all the rest, and of `signal` and `socket` the C parts are taken, because their enumerations bring in
`enum`, `re` and `collections`.
"""
