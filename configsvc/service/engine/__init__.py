"""The rules that verbs share: records, rights, the write loop, decisions, counts, time travel and paging."""
