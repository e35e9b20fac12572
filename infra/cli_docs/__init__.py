"""docs/CLI.md, made of the commands themselves, and the picture of a terminal in the README."""
