"""The command line beside others: how soon it starts, and a thousand secrets in and out."""
