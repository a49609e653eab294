"""The grammar of the pack language: text of an expression to a tree of sqlglot nodes, nothing else accepted.

    or      := and (OR and)*                      and   := not (AND not)*            not := NOT* compare
    compare := sum [(= | <> | < | <= | > | >=) sum | IS [NOT] NULL | [NOT] IN (literal, ...) | [NOT] BETWEEN sum AND sum]
    sum     := product ((+ | - | ||) product)*    product := sign (* sign)*          sign := -* atom
    atom    := literal | NULL | TRUE | FALSE | name[.name] | name(or, ...) | (or) | CASE (WHEN or THEN or)+ [ELSE or] END

The grammar is small and closed, so it is read by a small parser of its own: what is not written here cannot be said, every mistake
has its position, and no nesting can exhaust the stack. Names are kept as written; keywords may be in capitals or not.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NoReturn

from sqlglot import exp

from suwen.base.errors import SuwenError
from suwen.engine import sql
from suwen.engine.sql import Tree
from suwen.model.pack import Expression

LONGEST = 20_000
DEEPEST = 200
ATOM_DEPTH = 5  # an atom within an atom passes every rule of the grammar: some 13 frames of Python's stack of 1,000
KEYWORDS = frozenset(["and", "or", "not", "is", "null", "in", "between", "case", "when", "then", "else", "end", "true", "false"])
_TOKEN = re.compile(
    r"""(?P<blank>\s+)|(?P<comment>--|/\*)|(?P<number>[0-9]+(?:\.[0-9]+)?(?![\w.]))|(?P<text>'(?:[^']|'')*')|(?P<quoted>"(?:[^"]|"")+")"""
    r"""|(?P<name>[^\W\d]\w*)|(?P<sign><=|>=|<>|!=|\|\||[=<>+\-*(),.])""",
)
_COMPARE: dict[str, type[Tree]] = {"=": exp.EQ, "<>": exp.NEQ, "<": exp.LT, "<=": exp.LTE, ">": exp.GT, ">=": exp.GTE}
_SUM: dict[str, type[Tree]] = {"+": exp.Add, "-": exp.Sub, "||": exp.DPipe}
ALLOWED = (
    "columns, literals, NULL TRUE FALSE, AND OR NOT, = <> < <= > >=, IS [NOT] NULL, IN (literals), BETWEEN, CASE WHEN, "
    "+ - * ||, parentheses and the listed functions"
)


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint naming the known name most like `name`, or ""."""
    by_lower = {k.lower(): k for k in known}
    close = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return f"did you mean {by_lower[close[0]]}?" if close else ""


@dataclass(frozen=True)
class _Token:
    kind: str  # number, text, quoted, name, keyword, sign, end
    value: str
    at: int


def _shown(token: _Token) -> str:
    if token.kind == "end":
        return "the end of the expression"
    return f"{token.value[:40]!r} at character {token.at}" if token.kind != "text" else f"a text at character {token.at}"


class _Reader:
    """A cursor over the tokens of one expression."""

    def __init__(self, expression: Expression) -> None:
        self.place, self._depth, self._next = expression.place, 0, 0
        if len(expression.text) > LONGEST:
            raise SuwenError(f"an expression of {len(expression.text)} characters", where=self.place, expected=f"at most {LONGEST} characters")
        self._tokens = list(self._scan(expression.text))

    def _scan(self, text: str) -> Iterable[_Token]:
        at = 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            kind = found.lastgroup if found else None
            if found is None or kind is None or kind == "comment":
                raise SuwenError(f"{_strange(text, at)} at character {at + 1} of an expression", where=self.place, expected=ALLOWED)
            if kind != "blank":
                value = found.group()
                word = kind == "name" and value.lower() in KEYWORDS
                yield _Token("keyword", value.lower(), at + 1) if word else _Token(kind, value, at + 1)
            at = found.end()
        yield _Token("end", "", at + 1)

    @property
    def token(self) -> _Token:
        return self._tokens[self._next]

    def after(self) -> _Token:
        return self._tokens[min(self._next + 1, len(self._tokens) - 1)]

    def take(self, *values: str) -> str:
        """The next token's value if it is one of these signs or keywords, else ""."""
        token = self.token
        if token.kind in ("sign", "keyword") and token.value in values:
            self._next += 1
            return token.value
        return ""

    def need(self, value: str) -> None:
        if not self.take(value):
            self.refuse(value.upper())

    def advance(self) -> _Token:
        token = self.token
        self._next += 1
        return token

    def refuse(self, expected: str) -> NoReturn:
        raise SuwenError(f"unexpected {_shown(self.token)} in an expression", where=self.place, expected=expected)

    def deeper(self, by: int = 1) -> None:
        self._depth += by
        if self._depth > DEEPEST:
            raise SuwenError("an expression nested too deeply", where=self.place, expected=f"at most {DEEPEST} levels, a call or parenthesis is {ATOM_DEPTH}")


def _strange(text: str, at: int) -> str:
    first = text[at]
    if first == "'":
        return "a text without its closing quote"
    if text[at : at + 2] in ("--", "/*"):
        return "a comment (or a doubled minus)"
    return f"a malformed number {text[at : at + 20].split(maxsplit=1)[0]!r}" if first.isdigit() else f"{first!r}"


def parse(expression: Expression) -> Tree:
    """The tree of an expression; SuwenError at its place for anything outside the grammar."""
    reader = _Reader(expression)
    tree = _or(reader)
    if reader.token.kind != "end":
        reader.refuse(_hint(reader))
    return tree


def _hint(reader: _Reader) -> str:
    return "an operator or the end; " + ALLOWED


def _chain(reader: _Reader, operand: Callable[[_Reader], Tree], nodes: dict[str, type[Tree]]) -> Tree:
    left: Tree = operand(reader)
    levels = 0
    while found := reader.take(*nodes):
        reader.deeper()
        levels += 1
        left = nodes[found](this=left, expression=operand(reader))
    reader.deeper(-levels)
    return left


def _or(reader: _Reader) -> Tree:
    return _chain(reader, _and, {"or": exp.Or})


def _and(reader: _Reader) -> Tree:
    return _chain(reader, _not, {"and": exp.And})


def _not(reader: _Reader) -> Tree:
    if not reader.take("not"):
        return _comparison(reader)
    reader.deeper()
    tree = exp.Not(this=_not(reader))
    reader.deeper(-1)
    return tree


def _comparison(reader: _Reader) -> Tree:
    left = _sum(reader)
    found = reader.take("!=", *_COMPARE)
    if found:
        compared: Tree = _COMPARE["<>" if found == "!=" else found](this=left, expression=_sum(reader))
        if reader.token.kind == "sign" and reader.token.value in (*_COMPARE, "!="):
            reader.refuse("AND between two comparisons")
        return compared
    if reader.take("is"):
        negated = reader.take("not")
        reader.need("null")
        tree: Tree = exp.Is(this=left, expression=exp.Null())
        return exp.Not(this=tree) if negated else tree
    negated = reader.take("not") if reader.after().value in ("in", "between") else ""
    if reader.take("in"):
        tree = exp.In(this=left, expressions=_literals(reader))
    elif reader.take("between"):
        low = _sum(reader)
        reader.need("and")
        tree = exp.Between(this=left, low=low, high=_sum(reader))
    else:
        return left
    return exp.Not(this=tree) if negated else tree


def _literals(reader: _Reader) -> list[Tree]:
    reader.need("(")
    listed = [_literal(reader)]
    while reader.take(","):
        listed.append(_literal(reader))
    reader.need(")")
    return listed


def _literal(reader: _Reader) -> Tree:
    negative = reader.take("-")
    token = reader.token
    if token.kind == "number":
        reader.advance()
        number = exp.Literal.number(token.value)
        return exp.Neg(this=number) if negative else number
    if token.kind == "text" and not negative:
        reader.advance()
        return sql.text(token.value[1:-1].replace("''", "'"))
    reader.refuse("a literal")


def _sum(reader: _Reader) -> Tree:
    return _chain(reader, _product, _SUM)


def _product(reader: _Reader) -> Tree:
    return _chain(reader, _signed, {"*": exp.Mul})


def _signed(reader: _Reader) -> Tree:
    if not reader.take("-"):
        return _atom(reader)
    reader.deeper()
    inner = _signed(reader)
    reader.deeper(-1)
    return exp.Neg(this=inner)


def _atom(reader: _Reader) -> Tree:
    reader.deeper(ATOM_DEPTH)
    tree = _within(reader)
    reader.deeper(-ATOM_DEPTH)
    return tree


def _within(reader: _Reader) -> Tree:
    token = reader.token
    if token.kind in ("number", "text"):
        return _literal(reader)
    if token.kind in ("name", "quoted"):
        return _named(reader)
    if reader.take("null"):
        return exp.Null()
    if constant := reader.take("true", "false"):
        return exp.Boolean(this=constant == "true")
    if reader.take("case"):
        return _case(reader)
    if reader.take("("):
        inner = _or(reader)
        reader.need(")")
        return exp.Paren(this=inner)
    reader.refuse("a value: " + ALLOWED)


def _named(reader: _Reader) -> Tree:
    first = reader.advance()
    if reader.take("("):
        if first.kind == "quoted":
            reader.refuse("a function's name without quotes")
        arguments = [] if reader.token.value == ")" and reader.token.kind == "sign" else [_or(reader)]
        while arguments and reader.take(","):
            arguments.append(_or(reader))
        reader.need(")")
        return exp.Anonymous(this=first.value, expressions=arguments)
    if not reader.take("."):
        return sql.col(_name(first))
    if reader.token.kind not in ("name", "quoted"):
        reader.refuse("a column's name after the dot")
    second = reader.advance()
    if reader.token.kind == "sign" and reader.token.value in (".", "("):
        reader.refuse("one name, or an alias and a name")
    return sql.col(_name(second), _name(first))


def _name(token: _Token) -> str:
    return token.value[1:-1].replace('""', '"') if token.kind == "quoted" else token.value


def _case(reader: _Reader) -> Tree:
    branches: list[Tree] = []
    if reader.token.value != "when":
        reader.refuse("WHEN")
    while reader.take("when"):
        condition = _or(reader)
        reader.need("then")
        branches.append(exp.If(this=condition, true=_or(reader)))
    otherwise = _or(reader) if reader.take("else") else None
    reader.need("end")
    return exp.Case(ifs=branches, default=otherwise)
