"""The hashes everything rests on: ids, record keys, content and rows; one definition, as trees.

A hash of a text is the low 63 bits of its md5 read as a little-endian number (DuckDB's `md5_number`); of several texts the XOR of their
hashes, each salted with its length-prefixed context, so that the column stands alone in the expression and an engine hashes once per
dictionary entry. A pair of different keys meets with probability 2^-63, salted or concatenated alike; the sum over rows, where XOR alone
would let two swapped values cancel, goes through `mixed`. See docs/decisions/hashes.md and the test vectors in tests/unit/engine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from sqlglot import exp

from suwen.engine.sql import alias, call, integer, statement, text, typed

BITS = 63
_P1, _P2 = 2_147_483_629, 4_294_967_291  # primes just below 2^31 and 2^32: no product leaves 63 bits
_SECOND = (2_147_483_587, 4_294_967_279)  # the next smaller ones
_NOTHING: Mapping[str, int] = MappingProxyType({})


def prefix(*words: str) -> str:
    """A salt no other list of words gives: each word with its length in characters before it."""
    return "".join(f"{len(w)}:{w}" for w in words) + "|"


def _wide(salt: str, value: exp.Expression) -> exp.Expression:
    return call("md5_number", exp.DPipe(this=text(salt), expression=exp.Paren(this=value.copy())))


def _low(wide: exp.Expression, bits: int) -> exp.Expression:
    return typed(exp.Paren(this=exp.BitwiseAnd(this=wide, expression=typed(integer(2**bits - 1), "UHUGEINT"))), "BIGINT")


def _xor(parts: Sequence[exp.Expression]) -> exp.Expression:
    whole = parts[0]
    for part in parts[1:]:
        whole = call("xor", whole, part)
    return whole


def text_hash(salt: str, value: exp.Expression, bits: int = BITS) -> exp.Expression:
    """The `bits`-bit hash of a text under a salt; null for null."""
    return _low(_wide(salt, value), bits)


def entity_id(
    entity: str, system: str, parts: Sequence[exp.Expression], slot: exp.Expression | None = None, owner: exp.Expression | None = None, bits: int = BITS
) -> exp.Expression:
    """The id of an entity's row within a key system; null when a key part is null; a null or empty slot adds nothing.

    `owner`: a BIGINT of 63 bits that tells apart equal keys of several owners (`owner_hash`), a column or a constant; None where all have one key.
    """
    hashes = [text_hash(prefix(entity, system, str(i)), part, bits) for i, part in enumerate(parts)]
    hashes += [slot_hash(entity, slot, bits)] if slot is not None else []
    return _xor(hashes if owner is None else [*hashes, narrowed(owner, bits)])


def owner_hash(*words: str) -> int:
    """The 63 bits by which an owner's keys differ from equal ones of others; `words` name it."""
    return constant_hash(prefix("owner", *words), "")


def slot_hash(entity: str, slot: exp.Expression, bits: int = BITS) -> exp.Expression:
    """What a slot adds to the id; nothing when it is empty."""
    nothing = exp.If(this=_is_empty(slot), true=typed(integer(0), "BIGINT"))
    return exp.Case(ifs=[nothing], default=text_hash(prefix(entity, "slot"), slot, bits))


def _is_empty(slot: exp.Expression) -> exp.Expression:
    return exp.EQ(this=exp.Coalesce(this=slot.copy(), expressions=[text("")]), expression=text(""))


def entity_md5(
    entity: str, system: str, parts: Sequence[exp.Expression], slot: exp.Expression | None = None, owner: exp.Expression | None = None
) -> exp.Expression:
    """All 128 bits from which an entity's id is cut, as 32 hexadecimal digits: what the exception table names a colliding key by."""
    wide = [_wide(prefix(entity, system, str(i)), part) for i, part in enumerate(parts)]
    if slot is not None:
        nothing = exp.If(this=_is_empty(slot), true=typed(integer(0), "UHUGEINT"))
        wide.append(exp.Case(ifs=[nothing], default=_wide(prefix(entity, "slot"), slot)))
    if owner is not None:
        wide.append(typed(owner.copy(), "UHUGEINT"))
    return _hexadecimal(wide)


def record_md5(parts: Sequence[exp.Expression]) -> exp.Expression:
    """The same for a record's key."""
    return _hexadecimal([_wide(prefix("key", str(i)), part) for i, part in enumerate(parts)])


def _hexadecimal(wide: Sequence[exp.Expression]) -> exp.Expression:
    return call("lpad", call("lower", call("hex", typed(_xor(wide), "UHUGEINT"))), integer(32), text("0"))


def excepted(plain: exp.Expression, md5: exp.Expression, replacements: Mapping[str, int]) -> exp.Expression:
    """`plain`, but for the keys whose md5 has a replacement (md5 -> id); no md5 is worked out where there is none."""
    whens = [
        exp.If(this=exp.EQ(this=md5.copy(), expression=text(key_md5)), true=typed(integer(number), "BIGINT"))
        for key_md5, number in sorted(replacements.items())
    ]
    return exp.Case(ifs=whens, default=plain) if whens else plain


def xored(parts: Sequence[exp.Expression]) -> exp.Expression:
    """The XOR of BIGINT hashes; null when one is null."""
    return _xor(parts)


def narrowed(value: exp.Expression, bits: int) -> exp.Expression:
    """A 63-bit hash cut to `bits`."""
    return value if bits == BITS else exp.Paren(this=exp.BitwiseAnd(this=value.copy(), expression=typed(integer(2**bits - 1), "BIGINT")))


def record_key(parts: Sequence[exp.Expression], bits: int = BITS, replacements: Mapping[str, int] = _NOTHING) -> exp.Expression:
    """The hash of a record's key columns, but for keys with a replacement; null when one is null."""
    return excepted(_xor([text_hash(prefix("key", str(i)), part, bits) for i, part in enumerate(parts)]), record_md5(parts), replacements)


def record_check(parts: Sequence[exp.Expression]) -> exp.Expression:
    """31 further bits of the same md5s: two records of equal key hash but unequal check have colliding keys."""
    shifted = [
        call(
            "xor",
            integer(0),
            typed(
                exp.Paren(
                    this=exp.BitwiseAnd(
                        this=exp.Paren(this=exp.BitwiseRightShift(this=_wide(prefix("key", str(i)), part), expression=integer(64))),
                        expression=typed(integer(2**31 - 1), "UHUGEINT"),
                    )
                ),
                "BIGINT",
            ),
        )
        for i, part in enumerate(parts)
    ]
    return typed(_xor(shifted), "INTEGER")


def content(columns: Mapping[str, exp.Expression]) -> exp.Expression:
    """The hash of a record's texts by column name; column order does not enter, null differs from empty text and counts as a column not sent."""
    return _xor([exp.Coalesce(this=text_hash(prefix("content", name), value), expressions=[integer(0)]) for name, value in sorted(columns.items())])


def constant_hash(salt: str, value: str, bits: int = BITS) -> int:
    """`text_hash` of a constant, worked out here."""
    digest = hashlib.md5((salt + value).encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[:8], "little") & ((1 << bits) - 1)


def _of_column(name: str, use: str) -> int:
    """A constant of a column's own, for one use."""
    return constant_hash(prefix("column", name, use), "")


def _multipliers(name: str) -> tuple[int, int]:
    """Odd multipliers of a column's own for the low and high half of its numbers, below 2^31 and 2^32.

    With common ones two dates moved by the same days would often give two changes that cancel in the XOR.
    """
    low, high = (_of_column(name, half) for half in ("low", "high"))
    return low % 2**30 + 2**30 | 1, high % 2**31 + 2**31 | 1


def mixed(value: exp.Expression) -> exp.Expression:
    """A 63-bit non-negative number spread by multiplication of its halves, twice; no product leaves 63 bits, so no engine overflows."""
    return _spread(_spread(value, _P1, _P2), *_SECOND)


def _spread(value: exp.Expression, by_low: int, by_high: int) -> exp.Expression:
    low = exp.Mul(this=exp.Paren(this=exp.BitwiseAnd(this=value.copy(), expression=integer(2**32 - 1))), expression=integer(by_low))
    high = exp.Mul(this=exp.Paren(this=exp.BitwiseRightShift(this=value.copy(), expression=integer(32))), expression=integer(by_high))
    return call("xor", call("xor", low, high), exp.Paren(this=exp.BitwiseRightShift(this=value.copy(), expression=integer(29))))


Cells = Sequence[tuple[str, str, exp.Expression]]


def row_hash(columns: Cells) -> exp.Expression:
    """The 63-bit hash of one row over (name, type, value): texts by md5, numbers, dates and times by multiplication.

    Two rows are told apart by it as it is; before rows are summed it goes through `mixed`, over a column, since that names it nine times.
    """
    return _xor([_finished(name, kind, _base(name, kind, value)) for name, kind, value in columns])


def row_hashes(rows: exp.Expression | str, columns: Cells, keep: Sequence[exp.Expression]) -> exp.Expression:
    """A query of `keep` (aliased) and `_hash`, each row's hash, mixed: `row_hash` and `mixed` in steps, so that no step names a value more than thrice."""
    bases = [alias(_base(name, kind, value), f"b{n}") for n, (name, kind, value) in enumerate(columns)]
    names = [exp.column(exp.to_identifier(k.alias, quoted=True)) for k in keep]
    whole = _xor([_finished(name, kind, exp.column(exp.to_identifier(f"b{n}", quoted=True))) for n, (name, kind, _) in enumerate(columns)])
    inner = statement("select {keep}, {bases} from {rows} r", keep=list(keep), bases=bases, rows=rows)
    row = statement("select {names}, {whole} as _row from {inner} i", names=names, whole=whole, inner=inner)
    half = statement("select {names}, {once} as _half from {row} w", names=names, once=_spread(exp.column("_row"), _P1, _P2), row=row)
    return statement("select {names}, {twice} as _hash from {half} h", names=names, twice=_spread(exp.column("_half"), *_SECOND), half=half)


def _base(name: str, kind: str, value: exp.Expression) -> exp.Expression:
    """A value as a number of 63 bits, null for null: texts hashed, other values as they are under a salt of the column's own."""
    if kind == "VARCHAR":
        return text_hash(prefix("row", name), value)
    if kind.startswith("DECIMAL"):
        return _decimal(name, kind, value)
    if kind == "DATE":
        number: exp.Expression = exp.Sub(this=value.copy(), expression=typed(text("1582-10-15"), "DATE"))
    elif kind == "TIMESTAMP":
        number = call("epoch_us", value.copy())
    else:
        number = value.copy()
    return _salted(name, typed(exp.Paren(this=number), "BIGINT"))


def _salted(name: str, number: exp.Expression) -> exp.Expression:
    masked = exp.Paren(this=exp.BitwiseAnd(this=number, expression=integer(2**BITS - 1)))
    return call("xor", masked, integer(_of_column(name, "salt")))


def _decimal(name: str, kind: str, value: exp.Expression) -> exp.Expression:
    """A decimal by its digits as a whole number; where those, or the product that gives them in the decimal's own width, exceed 64 bits, by its text."""
    width, scale = (int(number) for number in kind.removeprefix("DECIMAL(").removesuffix(")").split(","))
    digits = typed(exp.Paren(this=exp.Mul(this=value.copy(), expression=integer(10**scale))), "BIGINT")
    small = exp.LT(this=exp.Abs(this=value.copy()), expression=integer(9 * 10 ** (17 - 2 * scale if width <= 18 else 18 - scale)))
    return exp.Case(ifs=[exp.If(this=small, true=_salted(name, digits))], default=text_hash(prefix("row", name), typed(value.copy(), "VARCHAR")))


def _finished(name: str, kind: str, base: exp.Expression) -> exp.Expression:
    """What a column gives to the hash of its row."""
    return exp.Coalesce(this=base if kind == "VARCHAR" else _spread(base, *_multipliers(name)), expressions=[integer(_of_column(name, "null"))])
