"""What course code asks of torch.cuda: there is none.

>>> is_available(), device_count()
(False, 0)
"""

__all__ = ["device_count", "is_available", "manual_seed", "manual_seed_all", "synchronize"]


def is_available() -> bool:
    return False


def device_count() -> int:
    return 0


def manual_seed(seed: int) -> None:
    """Nothing: there is no generator on a device."""


def manual_seed_all(seed: int) -> None:
    """Nothing: there is no generator on a device."""


def synchronize() -> None:
    """Nothing: every operation is done when it returns."""
