"""One module for each kind of file that states commands; each has `find(tree) -> list[Candidate]`, asked by `table`."""
