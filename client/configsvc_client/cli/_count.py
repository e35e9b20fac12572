"""Numbers of things, in words."""


def counted(number: int, thing: str) -> str:
    """`1 key` or `2 keys`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
