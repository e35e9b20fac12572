"""The deployment zip: its files, bytecode and requirements."""
