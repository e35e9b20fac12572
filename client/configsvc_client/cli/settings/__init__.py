"""Settings of the command line: variables, files, profiles, the API key, and trusted project files."""
