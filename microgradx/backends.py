"""What course code sets for reproducible results on a GPU; here results are reproducible without it.

>>> cudnn.benchmark = False; cudnn.deterministic = True
"""

from types import SimpleNamespace

__all__ = ["cudnn"]

cudnn = SimpleNamespace(benchmark=False, deterministic=False, enabled=False, is_available=lambda: False)
