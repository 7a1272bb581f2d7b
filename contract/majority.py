"""The majority of sentinels: more than half, so that two separated groups cannot both decide."""

__all__ = ["majority"]


def majority(members: int) -> int:
    """The smallest number that is more than half: 2 of 3, 3 of 5."""
    return members // 2 + 1
