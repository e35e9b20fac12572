"""Programs that the command line starts: the command of exec, and editors."""
