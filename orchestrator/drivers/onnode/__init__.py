"""Programs that run on a node, handed to its Python: the standard library alone, Python 3.8 and newer."""
