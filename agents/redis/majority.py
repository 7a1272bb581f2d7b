"""How many of several sentinels decide: more than half, so that two groups never both do."""

__all__ = ["majority"]


def majority(members: int) -> int:
    """The smallest number that is more than half: 2 of 3, 3 of 5."""
    return members // 2 + 1
