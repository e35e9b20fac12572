"""One module for each subject of the routes: what a request may ask for, and what it answers."""
