"""Everything a person or a program reads from the command line."""
