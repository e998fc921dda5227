"""A failed check as code that runs on its own: f's source, what it refers to, and the exact values of the arrays.

>>> import numpy as np
>>> print(array_source(np.array([0.1, np.inf], np.float32)))
array([0.10000000149011612, inf], dtype="float32")
>>> scale = lambda x: 2 * x
>>> print(program(scale, {"x": np.array([1.0])}, {"engine": "torch"}).split("\\n\\n")[1])
f = lambda x: 2 * x
x_x = array([1.0], dtype="float64")
check_grad(f, x_x, engine='torch')

What cannot be printed, as an open file, is left as `...`, and the first line says so.
"""

from __future__ import annotations

import ast
import builtins
import copyreg
import dis
import functools
import inspect
import linecache
import math
import sys
from collections import OrderedDict, namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain, count
from keyword import iskeyword
from operator import attrgetter
from textwrap import dedent, indent
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..tensor import Tensor
from ..value import Value

__all__ = ["array_source", "program"]

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Edits = list[tuple[ast.expr, str]]


def array_source(x: NDArray[Any]) -> str:
    """The expression that makes an array with the same numbers, shape and dtype."""
    made = f'array({x.tolist()!r}, dtype="{x.dtype}")'
    return made if x.size else f"{made}.reshape({x.shape})"


def program(f: Callable[..., Any], xs: Mapping[str, NDArray[Any]], options: Mapping[str, Any]) -> str:
    """The script that makes f, its arguments and the options, and checks f with them.

    xs: by the names of f's parameters. options: of check_grad; arrays and what is no literal get a name.
    """
    script = _Script()
    for function in (f, *options.values()):  # what these refer to keeps its names, even one that is f
        script.prepare(function)
    given = [script.name("f", f), *(script.name(f"x_{name}", x) for name, x in xs.items())]
    given += [f"{key}={value!r}" if isinstance(value, str | int | float | None) else f"{key}={script.name(key, value)}"
              for key, value in options.items()]  # fmt: skip
    return script.text(f"check_grad({', '.join(given)})")


class _Unprintable(Exception):
    """Says why there is no code for a thing."""


class _Script:
    """Code in the making. A name means one thing; what needs another meaning of it is made in a function, where the
    name is a local one."""

    def __init__(self) -> None:
        self._imports = ["from __future__ import annotations", "from numpy import array, inf, nan",
                         "from microgradx.testing import check_grad"]  # fmt: skip
        self._bound: dict[str, Any] = {"array": np.array, "inf": math.inf, "nan": math.nan, "check_grad": program}
        self._lines: list[str] = []
        self._missing: list[str] = []

    def text(self, call: str) -> str:
        left = [f"# not complete: {', '.join(self._missing)} must be put in where `...` stands"] * bool(self._missing)
        return "\n".join([*left, *dict.fromkeys(self._imports), "", *self._lines, call])

    def prepare(self, thing: Any) -> None:
        """Define what a function, or the methods of an object, refer to, before it has a name itself."""
        for function in (thing, getattr(thing, "__func__", None), *vars(type(thing)).values()):
            for inner, what in _references(function).items() if _users(function) else ():
                self.name(inner, what)

    # -- names --
    def name(self, wanted: str, thing: Any) -> str:
        """A name of the script that means the thing: the wanted one, unless something else has it."""
        if _same(self._bound.get(wanted, self), thing):
            return wanted
        own = _own_name(thing)
        if own not in ("", wanted) and own not in self._bound:  # `def loss` comes before `f = loss`
            self.name(own, thing)
        other = self._known(thing)
        if other is not None and wanted in self._bound:
            return other
        name = self._free(wanted)
        self._bound[name] = thing
        try:
            if other is not None:
                self._lines.append(f"{name} = {other}")
            else:
                self._define(name, thing)
        except Exception as why:  # an object may say anything when it is looked at, and the report has to come
            reason = str(why).partition("\n")[0]
            self._lines.append(f"{name} = ...  # put {_described(thing)} here: {reason}")
            self._missing.append(name)
        return name

    def _known(self, thing: Any) -> str | None:
        """What it is called already."""
        return next((name for name, x in self._bound.items() if x is thing), None)

    def _free(self, wanted: str) -> str:
        return next(name for k in count() if (name := f"{wanted}_{k}" if k else wanted) not in self._bound)

    def _define(self, name: str, thing: Any) -> None:
        if isinstance(thing, ModuleType):
            self._imports.append(f"import {thing.__name__} as {name}" if thing.__name__ != name else f"import {name}")
        elif (found := _library(thing)) is not None:
            self._import(name, *found)
        elif isinstance(thing, FunctionType) or hasattr(thing, "__wrapped__"):
            self._function(name, thing)
        elif isinstance(thing, type):
            self._class(name, thing)
        elif (text := self._written(thing)) is not None:
            self._lines.append(f"{name} = {text}")
        else:
            self._object(name, thing)

    def _import(self, name: str, module: str, path: str) -> None:
        first, _, rest = path.partition(".")
        if rest:
            owner = self.name(first, getattr(sys.modules[module], first))
            self._lines.append(f"{name} = {owner}.{rest}")
        else:
            self._imports.append(f"from {module} import {path}" + f" as {name}" * (name != path))

    # -- values --
    def value(self, x: Any, hint: str) -> str:
        """An expression for x; a name where it takes more than that. hint: a name for it."""
        if known := self._known(x):
            return known
        if not isinstance(x, np.ndarray) and (text := self._written(x)) is not None:
            return text
        found = _library(x)
        hint = found[1].rpartition(".")[2] if found else _own_name(x) or hint
        return self.name(f"{hint}_" if hasattr(builtins, hint) or iskeyword(hint) else hint, x)

    def _written(self, x: Any) -> str | None:
        """The expression for a value, None for what has to be defined."""
        kind = type(x)
        if x is None or x is ... or kind in (bool, int, float, str, bytes, range, slice):
            return repr(x)
        if kind is complex:
            return repr(x) if np.isfinite(x) else f"complex({x.real!r}, {x.imag!r})"
        if kind is list:
            return f"[{self._each(x)}]"
        if kind is tuple:
            return f"({self._each(x)}{',' * (len(x) == 1)})"
        if kind in (set, frozenset):
            return f"{kind.__name__}([{self._each(x)}])"
        if kind is OrderedDict:
            return f"{self.value(kind, 'kind')}({self._written(dict(x)) if x else ''})"
        if kind is dict:
            pairs = (f"{self.value(k, 'key')}: {self.value(v, _hint(k))}" for k, v in x.items())
            return f"{{{', '.join(pairs)}}}"
        if kind is np.ndarray or isinstance(x, np.generic):
            if x.dtype.kind not in "biufU" and not (x.dtype.kind == "c" and np.isfinite(x).all()):
                raise _Unprintable(f"an array of {x.dtype} has no exact text")
            return array_source(np.asarray(x)) + "[()]" * isinstance(x, np.generic)
        if isinstance(x, np.dtype):
            return f'{self.name("np", np)}.dtype("{x}")'
        if isinstance(x, Value | Tensor):
            return self._of_this_project(x)
        if "torch" in sys.modules and isinstance(x, sys.modules["torch"].Tensor):
            return self._of_torch(x)
        if kind is MethodType:
            return f"{self.value(x.__self__, _hint(type(x.__self__).__name__.lower()))}.{x.__name__}"
        if kind is functools.partial:
            named = [f", {key}={self.value(v, key)}" for key, v in x.keywords.items()]
            return f"{self.name('partial', kind)}({self._each((x.func, *x.args))}{''.join(named)})"
        return None

    def _each(self, xs: Iterable[Any]) -> str:
        return ", ".join(self.value(x, "part") for x in xs)

    def _of_this_project(self, x: Any) -> str | None:
        mg = self.name("mg", sys.modules[__package__.partition(".")[0]])
        if type(x) is Value:
            return f"{mg}.Value({x.data!r})"
        if type(x) is not Tensor:
            return None
        return f"{mg}.tensor({array_source(x._data)})" + ".requires_grad_()" * bool(x.requires_grad)

    def _of_torch(self, x: Any) -> str:
        torch: str = self.name("torch", sys.modules["torch"])
        if str(x.layout) != "torch.strided":
            raise _Unprintable(f"a tensor that is {x.layout} has no text")
        shape = f".reshape({tuple(x.shape)})" * (not x.numel())
        data = f"{torch}.tensor({x.tolist()!r}, dtype={str(x.dtype).replace('torch', torch, 1)}){shape}"
        if type(x).__name__ == "Parameter":
            return f"{torch}.nn.Parameter({data}, {x.requires_grad})"
        return data + ".requires_grad_()" * bool(x.requires_grad)

    def _object(self, name: str, x: Any) -> None:
        """As pickle makes it: an empty one, then what it holds."""
        try:
            make, args, *more = x.__reduce_ex__(4)
        except Exception as problem:  # whatever objects have against being copied
            raise _Unprintable(str(problem) or type(problem).__name__) from problem
        state, items, pairs = (*more, None, None, None)[:3]
        if make is copyreg.__newobj__:  # type: ignore[attr-defined, unused-ignore]
            made = f"{self.value(args[0], 'kind')}.__new__({self._each(args)})"
        else:
            made = f"{self.value(make, 'make')}({self._each(args)})"
        self._lines.append(f"{name} = {made}")
        if (module := getattr(sys.modules.get("torch.nn"), "Module", None)) and isinstance(x, module):
            self._lines.append(f"{self.name('torch', sys.modules['torch'])}.nn.Module.__init__({name})")
            new = vars(module())
            own = {key: v for key, v in state.items() if key not in new or (v is not new[key] and (v or new[key]))}
            self._lines.append(f"vars({name}).update({self.value(own, 'state')})")
        elif state is not None and hasattr(x, "__setstate__"):
            self._lines.append(f"{name}.__setstate__({self.value(state, 'state')})")
        elif state is not None:
            own, slots = state if isinstance(state, tuple) else (state, None)
            if own:
                self._lines.append(f"vars({name}).update({self.value(own, 'state')})")
            for key, value in (slots or {}).items():
                self._lines.append(f"{name}.{key} = {self.value(value, key)}")
        if items is not None and (listed := list(items)):
            self._lines.append(f"{name}.extend({self.value(listed, 'items')})")
        if pairs is not None and (mapped := dict(pairs)):
            self._lines.append(f"{name}.update({self.value(mapped, 'items')})")

    # -- sources --
    def _function(self, name: str, thing: Any) -> None:
        plain, kept = thing, False
        while isinstance(getattr(plain, "__wrapped__", None), Callable) and not _users(plain):  # type: ignore[arg-type]
            plain, kept = plain.__wrapped__, True  # a library's wrapper is printed as what makes it: its decorator
        found = _source(plain)
        if found is None or (kept and not getattr(found[1], "decorator_list", [])):
            raise _Unprintable("its source is out of reach")
        text, node = found
        edits: Edits = []
        for default, actual in _defaults(node.args, plain):  # as it is, whatever names it was made with
            hint = default.id if isinstance(default, ast.Name) else "default"
            if not isinstance(default, ast.Constant):
                edits.append((default, self.value(actual, hint)))
        references = _references(plain)
        decorators = node.decorator_list if kept and not isinstance(node, ast.Lambda) else []
        references |= _resolved(_names(decorators), plain.__globals__)
        self._print(name, _segment(text, node, edits, decorators), getattr(node, "name", ""), references)
        if not kept and hasattr(plain, "__wrapped__"):  # which has the names of its parameters
            self._lines.append(f"{name}.__wrapped__ = {self.value(plain.__wrapped__, 'wrapped')}")

    def _class(self, name: str, cls: type) -> None:
        if (fields := vars(cls).get("_fields")) and cls.__bases__ == (tuple,):
            self._lines.append(f"{name} = {self.name('namedtuple', namedtuple)}({cls.__name__!r}, {fields})")
            return
        try:
            text = dedent(inspect.getsource(cls))
            node = ast.parse(text).body[0]
        except (OSError, TypeError, SyntaxError, IndexError):
            raise _Unprintable("its source is out of reach") from None
        if not isinstance(node, ast.ClassDef):
            raise _Unprintable("its source is not a class")
        space = vars(sys.modules[cls.__module__]) if cls.__module__ in sys.modules else {}
        decorators = [d for d in node.decorator_list if _importable(_names([d]), space)]
        outside = _names([*node.bases, *(k.value for k in node.keywords), *decorators, *_outside(node)])
        references = _resolved(outside, space)
        references |= {b.id: actual for b, actual in zip(node.bases, cls.__bases__, strict=False)
                       if isinstance(b, ast.Name)}  # fmt: skip
        for member in vars(cls).values():
            for function in (member, *(getattr(member, part, None) for part in ("__func__", "fget", "fset"))):
                if _users(function):
                    references |= _references(function)
        self._print(name, _segment(text, node, [], decorators), node.name, references)

    def _print(self, name: str, source: str, own: str, references: Mapping[str, Any]) -> None:
        """own: the name in a def or class, "" for a lambda."""
        local = {inner: there for inner, what in references.items() if (there := self.name(inner, what)) != inner}
        if not local and own in ("", name):
            self._lines.append(source if own else f"{name} = {source}")
            return
        maker = self._free(f"make_{name}")
        self._bound[maker] = self
        body = [f"{inner} = {there}" for inner, there in local.items() if inner != own]
        body += [source, f"return {own}"] if own else [f"return {source}"]
        self._lines += [f"def {maker}():", *(indent(line, "    ") for line in body), f"{name} = {maker}()"]


# ---- what a thing is -----------------------------------------------------------------------------------------
_PLACES = ("numpy", "math", "operator", "scipy.special", "torch", "torch.nn.functional", "jax.numpy", "jax.lax", "jax",
           "autograd.numpy", "autograd", "mygrad", "microgradx")  # fmt: skip


def _same(a: Any, b: Any) -> bool:
    return a is b or (type(a) is type(b) and isinstance(a, int | float | str) and repr(a) == repr(b))


def _hint(key: Any) -> str:
    return key if isinstance(key, str) and key.isidentifier() else "part"


def _own_name(thing: Any) -> str:
    """The name in the def or class of a user's thing."""
    if isinstance(thing, type) and _library(thing) is None:
        return thing.__name__
    name = thing.__code__.co_name if isinstance(thing, FunctionType) and _users(thing) else ""
    return name if name.isidentifier() else ""


def _described(thing: Any) -> str:
    name = getattr(thing, "__qualname__", None)
    return str(name) if name and "<" not in name else f"a {type(thing).__name__}"


def _installed(module: Any) -> bool:
    """Whether a module is there for every script: Python's own, an installed one, this project."""
    root, file = module.__name__.partition(".")[0], getattr(module, "__file__", None) or ""
    return root != "__main__" and (root in ("microgradx", *sys.stdlib_module_names)
                                   or "site-packages" in file or "dist-packages" in file)  # fmt: skip


def _library(thing: Any) -> tuple[str, str] | None:
    """(module, path in it) of what can be imported wherever its library is installed."""
    if not (callable(thing) or hasattr(thing, "__name__")):
        return None
    paths = [path for path in (getattr(thing, "__qualname__", None), getattr(thing, "__name__", None))
             if isinstance(path, str) and "<" not in path]  # fmt: skip
    for place in (getattr(thing, "__module__", None), *_PLACES):
        module = sys.modules.get(place) if isinstance(place, str) else None
        for path in paths if module is not None and _installed(module) else ():
            with suppress(AttributeError):
                if attrgetter(path)(module) is thing:
                    return module.__name__, path  # type: ignore[union-attr]
    return None


def _users(function: Any) -> bool:
    """Whether a function's code, and not only its name, is from the user."""
    module = sys.modules.get(getattr(function, "__globals__", {}).get("__name__", ""))
    return isinstance(function, FunctionType) and (module is None or not _installed(module))


# ---- sources -------------------------------------------------------------------------------------------------
@functools.lru_cache(8)
def _parsed(text: str) -> list[ast.AST]:
    try:
        return list(ast.walk(ast.parse(text)))
    except SyntaxError:
        return []


def _source(function: Any) -> tuple[str, Any] | None:
    """The text of the file, and the node of the def or lambda in it that the function is."""
    code = getattr(function, "__code__", None)
    if code is None:
        return None
    text = "".join(linecache.getlines(code.co_filename, function.__globals__))
    if code.co_name != "<lambda>":
        defs = [n for n in _parsed(text) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
                and n.name == code.co_name
                and code.co_firstlineno in (n.lineno, *(d.lineno for d in n.decorator_list))]  # fmt: skip
        return (text, defs[0]) if len(defs) == 1 else None
    named = list(code.co_varnames[: code.co_argcount])
    lambdas = [n for n in _parsed(text) if isinstance(n, ast.Lambda) and n.lineno == code.co_firstlineno
               and [a.arg for a in n.args.posonlyargs + n.args.args] == named]  # fmt: skip
    spots = [(a, c, b, d) for a, b, c, d in code.co_positions() if None not in (a, b, c, d) and d]
    around = [n for n in lambdas if spots and all(
        (n.body.lineno, n.body.col_offset) <= (a, c) and (b, d) <= (n.body.end_lineno, n.body.end_col_offset)
        for a, c, b, d in spots)]  # fmt: skip
    if around:  # of lambdas in one another the innermost that has all of the code
        return text, min(around, key=lambda n: len(ast.get_source_segment(text, n) or ""))
    segments = {ast.get_source_segment(text, n) for n in lambdas}
    return (text, lambdas[0]) if len(segments) == 1 else None


def _segment(text: str, node: Any, edits: Edits, decorators: list[ast.expr]) -> str:
    """The text of a node, with some expressions replaced, without decorators but these; all indented as a whole."""
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))

    def at(line: int, column: int) -> int:
        """ast counts bytes."""
        return starts[line - 1] + len(lines[line - 1].encode()[:column].decode())

    start, end = at(node.lineno, node.col_offset), at(node.end_lineno, node.end_col_offset)
    found = text[start:end]
    for part, new in sorted(edits, key=lambda edit: (edit[0].lineno, edit[0].col_offset), reverse=True):
        first, last = at(part.lineno, part.col_offset), at(part.end_lineno or 0, part.end_col_offset or 0)
        found = found[: first - start] + new + found[last - start :]
    if isinstance(node, ast.Lambda):
        return f"({found})" if "\n" in found else found
    margin = node.col_offset
    first_, *rest = found.splitlines()
    rest = [line[margin:] if not line[:margin].strip() else line for line in rest]
    kept = [f"@{ast.get_source_segment(text, d)}" for d in decorators]
    return "\n".join([*kept, first_, *rest])


def _defaults(args: ast.arguments, function: Any) -> Iterator[tuple[ast.expr, Any]]:
    """The expression of each default, and what it was."""
    yield from zip(args.defaults, function.__defaults__ or (), strict=False)
    for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        if default is not None and arg.arg in (function.__kwdefaults__ or {}):
            yield default, function.__kwdefaults__[arg.arg]


def _references(function: FunctionType) -> dict[str, Any]:
    """The globals and the enclosing variables that a function's code and those inside it name."""
    found: dict[str, Any] = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with suppress(ValueError):  # not yet bound
            found[name] = cell.cell_contents
    found.pop("__class__", None)  # of super(), which the class brings along
    waiting: list[CodeType] = [function.__code__]
    for code in waiting:
        used = {i.argval for i in dis.get_instructions(code) if i.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
        for name in sorted(used & function.__globals__.keys() - found.keys()):
            found[name] = function.__globals__[name]
        waiting += [c for c in code.co_consts if inspect.iscode(c)]
    return found


def _names(nodes: list[Any]) -> set[str]:
    return {n.id for node in nodes for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def _outside(node: ast.ClassDef) -> Iterator[ast.AST]:
    """What runs when the class is made: all but the bodies of its methods, and annotations."""
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            args = statement.args
            yield from chain(statement.decorator_list, args.defaults, filter(None, args.kw_defaults))
        elif isinstance(statement, ast.AnnAssign):
            yield from filter(None, [statement.value])
        else:
            yield statement


def _resolved(names: set[str], space: Mapping[str, Any]) -> dict[str, Any]:
    """What the names are in a module; a library may have been imported further inside."""
    places = {**sys.modules, **space}
    return {name: places[name] for name in sorted(names) if name in places}


def _importable(names: set[str], space: Mapping[str, Any]) -> bool:
    """Whether all of the names are modules, or can be had from one."""
    found = _resolved(names, space)
    return found.keys() == names and all(isinstance(x, ModuleType) or _library(x) for x in found.values())
