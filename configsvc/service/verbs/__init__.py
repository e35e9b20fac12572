"""One module for each subject that routes serve: what a request may ask for, and what it answers."""
