"""Where settings come from: variables, files, profiles, the API key, and what a person trusts."""
