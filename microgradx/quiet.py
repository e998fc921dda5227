"""IEEE arithmetic without NumPy's warnings: log(0) is -inf, as in PyTorch, and nobody is told.

>>> token = enter(IGNORE)
>>> np.log(np.float64(0))
np.float64(-inf)
>>> leave(token)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["IGNORE", "enter", "leave"]

leave: Callable[[Any], Any]
try:  # where NumPy itself keeps the setting: a quarter of what np.errstate costs, which counts at every operation
    from numpy._core.umath import _extobj_contextvar, _make_extobj
except ImportError:  # a NumPy that keeps it elsewhere
    IGNORE: Any = "ignore"
    enter: Callable[[Any], Any] = lambda how: np.seterr(all=how)
    leave = lambda before: np.seterr(**before)
else:
    IGNORE = _make_extobj(all="ignore")
    enter, leave = _extobj_contextvar.set, _extobj_contextvar.reset
