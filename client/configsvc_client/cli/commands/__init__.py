"""A file for each command: its name is the file's, its summary the first line of the docstring."""
