"""Reads out of a flow where each of its screens can lead, without running one.

A move is written where a screen, an answer or an effect makes an ``Option``, an ``Ask`` or a
``Go``. Their functions are read, and the helpers of ``sessions.flows`` that they call; what a
target can be is followed through names, conditions, tables and helpers. So all moves are found,
also those that take a rare booking to be offered; a move that cannot be read is an error, because
nobody else could read it either.
"""

import ast
import inspect
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import FunctionType, ModuleType
from typing import Any

from sessions.flow import Answer, Ask, Effect, End, Flow, Go, Option, Screen
from sessions.texts import T

OURS = "sessions.flows"
HELPERS_DEEP_MAX = 8
END = "END"
# Instead of a choice's words.
TYPED = "typed"
CHOSEN = "chosen"
BY_ITSELF = ""


class Unreadable(Exception):
    """A target is made in a way that reading cannot follow."""


@dataclass(frozen=True, slots=True, order=True)
class Move:
    """One way on from a screen.

    Attributes:
        to: a screen, or ``END``.
        do: the effect on the way, empty when there is none.
        label: the English words of the choice, ``CHOSEN``, ``TYPED`` or ``BY_ITSELF``.
    """

    to: str
    do: str = ""
    label: str = ""


@dataclass(slots=True)
class Found:
    """What a function makes: targets with the words of their choices, and parsers of answers."""

    screens: set[tuple[str, str]] = field(default_factory=set)
    effects: set[tuple[str, str]] = field(default_factory=set)
    answers: set[str] = field(default_factory=set)
    ends: bool = False


def moves_of(flow: Flow) -> dict[str, list[Move]]:
    """Return all moves of each screen, sorted.

    Raises:
        Unreadable: naming the place.
    """
    return {name: sorted(_moves(flow, screen)) for name, screen in sorted(flow.screens.items())}


def _moves(flow: Flow, screen: Screen) -> set[Move]:
    found = _read(screen)
    moves = {Move(to, label=label) for to, label in found.screens}
    if found.ends:
        moves.add(Move(END))
    for name in found.answers:
        answered = _read(flow.answers[name])
        moves |= {Move(to, label=TYPED) for to, _ in answered.screens}
    for name, label in found.effects:
        if name not in flow.effects:
            raise Unreadable(f"{screen.name} performs {name}, which is no effect")
        moves |= {Move(to, name, label) for to in _led_to(flow.effects[name])}
    return moves


def _led_to(effect: Effect) -> set[str]:
    found = _read(effect)
    ends = {END} if found.ends else set()
    return {to for to, _ in found.screens} | set(effect.refused.values()) | ends


def problems(flow: Flow, moves: Mapping[str, list[Move]]) -> list[str]:
    """Return what is wrong with a dialogue: nothing, when every screen has a way on and out.

    ``0`` and ``00`` are the engine's and always there, but for the first screen: so it must lead
    to an END by its own choices, and then every screen does. A screen that nobody can come to is
    dead; one that leads where nothing is would break in somebody's hand.
    """
    wrong = [
        f"{name} leads to {move.to}, which is no screen"
        for name, found in moves.items()
        for move in found
        if move.to != END and move.to not in flow.screens
    ]
    begins = {flow.home, *flow.moved.values(), *_shortcuts(flow)}
    reached = _reached(moves, begins)
    wrong += [f"nothing leads to {name}" for name in moves if name not in reached]
    if flow.home not in inputs_to_end(moves):
        wrong.append("no choice of the first screen leads to an END")
    unused = set(flow.effects) - {move.do for found in moves.values() for move in found}
    return wrong + [f"nothing performs {name}" for name in sorted(unused)]


def inputs_to_end(moves: Mapping[str, list[Move]]) -> dict[str, int]:
    """Return after how many inputs a screen can END by its own choices, without Back and Home.

    A screen that is not among them ends by ``00`` and Help, as any can.
    """
    before: dict[str, set[str]] = {}
    for name, found in moves.items():
        for move in found:
            before.setdefault(move.to, set()).add(name)
    count, line = {END: 0}, deque([END])
    while line:
        at = line.popleft()
        for name in before.get(at, ()):
            if name not in count:
                count[name] = count[at] + 1
                line.append(name)
    del count[END]
    return count


def _reached(moves: Mapping[str, list[Move]], begins: set[str]) -> set[str]:
    reached, line = set(begins), deque(begins)
    while line:
        for move in moves.get(line.popleft(), ()):
            if move.to not in reached:
                reached.add(move.to)
                line.append(move.to)
    return reached


def _shortcuts(flow: Flow) -> set[str]:
    found = Found()
    # A flow without shortcuts has a lambda that leads nowhere.
    if isinstance(flow.shortcut, FunctionType) and flow.shortcut.__name__ != "<lambda>":
        _Reader(flow.shortcut, found).read()
    return {to for to, _ in found.screens}


def _read(registered: Screen | Effect | Answer) -> Found:
    match registered:
        case Screen(show=function):
            pass
        case Effect(perform=function):
            pass
        case Answer(understand=function):
            pass
    assert isinstance(function, FunctionType)
    found = Found()
    _Reader(function, found, names_screens=isinstance(registered, Effect)).read()
    return found


class _Reader:
    """Reads one function, and the helpers that it calls, into ``found``."""

    def __init__(
        self,
        function: FunctionType,
        found: Found,
        *,
        names_screens: bool = False,
        deep: int = 0,
        seen: set[tuple[FunctionType, str]] | None = None,
        given: Mapping[str, tuple["_Reader", ast.expr]] | None = None,
    ) -> None:
        self._function = function
        self._found = found
        self._names_screens = names_screens
        self._deep = deep
        self._seen = seen if seen is not None else set()
        self._given = given or {}
        self.body = _definition(function)

    def read(self) -> None:
        """Note everything that the function makes."""
        # The same helper may be told other targets by another caller.
        known = self._function, ", ".join(ast.unparse(node) for _, node in self._given.values())
        if known in self._seen:
            return
        self._seen.add(known)
        for node in ast.walk(self.body):
            if isinstance(node, ast.Call):
                self._call(node)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                self._made_before(_lookup(self._function, node))
            elif self._names_screens:
                match node:
                    # An effect may say where to go by the name alone.
                    case ast.Return(value=ast.Constant(value=str(name))):
                        self._found.screens.add((name, BY_ITSELF))

    def _call(self, node: ast.Call) -> None:
        called = _lookup(self._function, node.func)
        if called is Option:
            self._targets(node, self._label(node))
        elif called is Ask:
            self._targets(node, TYPED)
            self._found.answers |= self._keyword(node, "parse")
        elif called is Go:
            goal = node.args[0] if node.args else self._of(node, "to")
            assert goal is not None, "a Go says where to"
            self._found.screens |= {(to, BY_ITSELF) for to in self.words(goal)}
        elif called is End:
            self._found.ends = True
        elif _is_helper(called):
            assert self._deep < HELPERS_DEEP_MAX, "helpers call each other in a circle"
            reader = self._into(called, node, self._found)
            reader.read()

    def _into(self, called: FunctionType, node: ast.Call, found: Found) -> "_Reader":
        """A reader of a helper that knows what this function gives it."""
        names = _definition(called).args
        positional = [each.arg for each in (*names.posonlyargs, *names.args)]
        given = dict(zip(positional, node.args, strict=False))
        given |= {word.arg: word.value for word in node.keywords if word.arg is not None}
        told = {name: (self, value) for name, value in given.items()}
        return _Reader(called, found, deep=self._deep + 1, seen=self._seen, given=told)

    def _made_before(self, value: Any) -> None:
        """A table of options that was made when the module was read."""
        for option in value if isinstance(value, tuple | list) else ():
            if isinstance(option, Option):
                label = option.label.msgid if isinstance(option.label, T) else option.label
                if option.to is not None:
                    self._found.screens.add((option.to, label))
                if option.do is not None:
                    self._found.effects.add((option.do, label))

    def _targets(self, node: ast.Call, label: str) -> None:
        self._found.screens |= {(to, label) for to in self._keyword(node, "to")}
        self._found.effects |= {(do, label) for do in self._keyword(node, "do")}

    def _label(self, node: ast.Call) -> str:
        """The first sentence of an option's words, when one is written there."""
        for part in ast.walk(node.args[0]) if node.args else ():
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                return part.value
        return CHOSEN

    def _of(self, node: ast.Call, name: str) -> ast.expr | None:
        return next((word.value for word in node.keywords if word.arg == name), None)

    def _keyword(self, node: ast.Call, name: str) -> set[str]:
        given = self._of(node, name)
        return self.words(given) if given is not None else set()

    def words(self, node: ast.expr) -> set[str]:  # noqa: PLR0911 -- one for each form.
        """All texts that an expression can be."""
        match node:
            case ast.Constant(value=str(word)):
                return {word}
            case ast.Constant(value=None):
                return set()
            case ast.IfExp(body=one, orelse=other):
                return self.words(one) | self.words(other)
            case ast.Name(id=name) if name in self._given:
                reader, value = self._given[name]
                return reader.words(value)
            case ast.Name(id=name) if assigned := list(_assigned(self.body, name)):
                return {word for value in assigned for word in self.words(value)}
            case ast.Call(func=ast.Attribute(value=table, attr="get"), args=[_, default]):
                return self._table(node, table) | self.words(default)
            case ast.Subscript(value=table):
                return self._table(node, table)
            case ast.Call(func=function) if _is_helper(
                called := _lookup(self._function, function)
            ):
                reader = self._into(called, node, Found())
                return {
                    word
                    for part in ast.walk(reader.body)
                    if isinstance(part, ast.Return) and part.value is not None
                    for word in reader.words(part.value)
                }
        raise self._unreadable(node)

    def _table(self, node: ast.expr, table: ast.expr) -> set[str]:
        values = _lookup(self._function, table)
        if not isinstance(values, Mapping):
            raise self._unreadable(node)
        return set(values.values())

    def _unreadable(self, node: ast.expr) -> Unreadable:
        where = f"{self._function.__module__}.{self._function.__name__}"
        return Unreadable(f"{where} makes a target by {ast.unparse(node)}")


def _is_helper(called: Any) -> bool:
    return isinstance(called, FunctionType) and called.__module__.startswith(OURS)


def _lookup(function: FunctionType, node: ast.expr) -> Any:
    """What a name or a module's attribute stands for in a function; None for what is local."""
    match node:
        case ast.Name(id=name):
            found = function.__globals__.get(name)
            # What is kept by `cache` is a function all the same.
            return inspect.unwrap(found) if callable(found) else found
        case ast.Attribute(value=ast.Name(id=name), attr=attribute):
            owner = function.__globals__.get(name)
            return getattr(owner, attribute, None) if isinstance(owner, ModuleType) else None
    return None


def _assigned(body: ast.AST, name: str) -> Iterator[ast.expr]:
    for node in ast.walk(body):
        match node:
            case ast.Assign(targets=[ast.Name(id=known)], value=value) if known == name:
                yield value


def _definition(function: FunctionType) -> ast.FunctionDef:
    module = inspect.getmodule(function)
    assert module is not None, "a function of a flow stands in a module"
    return _definitions(module)[function.__code__.co_firstlineno]


@cache
def _definitions(module: ModuleType) -> dict[int, ast.FunctionDef]:
    """A module's functions by their first line, which is that of the first decorator."""
    return {
        min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]): node
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.FunctionDef)
    }
