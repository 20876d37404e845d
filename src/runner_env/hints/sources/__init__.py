"""One module for each kind of file that states commands; each has `find(root) -> list[Candidate]`."""
