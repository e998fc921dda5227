"""microgradx: a scalar-autograd micro engine whose derivatives are written once, in one table.

>>> import microgradx as mg
>>> x = mg.Value(2.0)
>>> (x * x + mg.exp(x)).backward()
>>> f"{x.grad:.4f}"
'11.3891'

And a NumPy engine behind it, that reads the same table and has PyTorch's names: `import microgradx as torch`.

>>> w = mg.ones(2, 2, requires_grad=True)
>>> (w @ w).tanh().sum().backward()
>>> w.grad.shape
torch.Size([2, 2])
"""

import math as _math
from typing import Any

from . import autograd, backends, creation, cuda, dtypes, functional, functions, linalg, nn, optim, random, utils
from .autograd import enable_grad, inference_mode, is_grad_enabled, set_grad_enabled
from .autograd import gradient as grad
from .creation import *  # noqa: F403
from .dtypes import Size, device, dtype, finfo, get_default_dtype, iinfo, set_default_dtype
from .functional import *  # noqa: F403
from .functions import *  # noqa: F403
from .printing import set_printoptions
from .program import Program
from .random import *  # noqa: F403
from .rules import RULES, Rule, rule
from .scopes import AnomalyError, detect_anomaly, no_grad, scope
from .serialise import load, save
from .tensor import Tensor
from .value import Value

__version__ = "0.1.0"
pi, e, inf, nan = _math.pi, _math.e, _math.inf, _math.nan

__all__ = [  # noqa: PLE0604
    "RULES", "AnomalyError", "Program", "Rule", "Size", "Tensor", "Value", "autograd", "backends", "cuda",
    "detect_anomaly", "device", "dtype", "e", "enable_grad", "finfo", "functional", "get_default_dtype", "grad",
    "iinfo", "inf", "inference_mode", "is_grad_enabled",
    "linalg", "load", "nan", "nn", "no_grad", "optim", "pi", "random",
    "rule", "save", "scope", "set_default_dtype", "set_grad_enabled", "set_printoptions", "utils",
    *functional.__all__, *functions.__all__, *creation.__all__, *random.__all__, *dtypes.NAMES,
]  # fmt: skip

globals().update({name: getattr(functional, name) for name in functional.__all__})  # these serve Values too
globals().update({name: getattr(dtypes, name) for name in dtypes.NAMES})  # float, int and bool among them


def __getattr__(name: str) -> Any:
    """A rule that was added to the table since, as a function."""
    if name in RULES:
        return getattr(functional, name)
    raise AttributeError(f"module 'microgradx' has no attribute {name!r}")
