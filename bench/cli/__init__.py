"""The command line compared with others: how soon it starts, and a thousand secrets in and out."""
