"""What runs inside a box: standard library only, Python >= 3.9, started with `-I -S`, never on a target's path."""
