"""Functions on text. An empty text is never a result: it is null."""

from __future__ import annotations

from suwen.model.functions import letters
from suwen.model.functions.shape import Argument, Example, Function

BLANK = "\\x{01}-\\x{20}\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200b}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}"
"""Characters that count as blank, as ranges of a regular expression's class: controls, spaces of all widths, byte order mark."""
BLANK_CHARACTERS = "".join(map(chr, [*range(1, 33), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200C), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000, 0xFEFF]))
FULL_WIDTH = "".join(map(chr, range(0xFF01, 0xFF5F))) + "\u3000"
HALF_WIDTH = "".join(map(chr, range(0x21, 0x7F))) + " "


def quoted(text: str) -> str:
    """A text as a literal of the engines' SQL; a backslash stands for itself."""
    return "'" + text.replace("'", "''") + "'"


def whole(pattern: str) -> str:
    """Java's pattern of a text that is the pattern's but for blanks at its ends; a $ would stand before a last line end too."""
    return f"^[{BLANK}]*{pattern}[{BLANK}]*\\z"


def spark_trimmed(text: str) -> str:
    """`text` in Spark's words."""
    return f"nullif(trim(both {quoted(BLANK_CHARACTERS)} from {text}), '')"


def _visible(character: str) -> str:
    """Whether a text begins with a character that is surely not blank: ASCII, or beyond the blanks of other scripts."""
    return " or ".join(f"unicode({character}) {range_}" for range_ in ("between 33 and 126", "between 12289 and 65278", "> 65279"))


TEXT = Argument("x", "text")
_AT = Argument("from", "integer", literal=True, low=1, high=100_000)
_COUNT = Argument("count", "integer", literal=True, low=0, high=100_000)
_PART = Argument("part", "text")
_WIDE = "[\\x{ff01}-\\x{ff5e}\\x{3000}]"

TEXTS = (
    Function(
        "text",
        (TEXT,),
        "text",
        f"case when ({_visible('$1')}) and ({_visible('substring($1, -1, 1)')}) then $1 else nullif(trim($1, {quoted(BLANK_CHARACTERS)}), '') end",
        "The text without blanks at its ends (spaces of any width, tabs, line ends, byte order marks); null when nothing is left.",
        "去掉首尾空白（含全角空格、制表符、换行、BOM）后的文本；为空则为 null。",
        (
            Example((" a b\t",), "a b"),
            Example(("\u3000张\u3000三\u3000",), "张\u3000三", "engines' trim differs on U+3000"),
            Example(("\ufeff\u00a0",), None),
            Example(("",), None),
            Example((None,), None),
        ),
        spark=spark_trimmed("$1"),
    ),
    Function(
        "is_blank",
        (TEXT,),
        "boolean",
        "case when unicode($1) between 33 and 126 then false else our_text($1) is null end",
        "True for null and for text of nothing but blanks.",
        "为 null 或只含空白时为真。",
        (Example((None,), True), Example((" \u3000",), True), Example(("0",), False)),
        nulls="never null",
        spark=f"{spark_trimmed('$1')} is null",
    ),
    Function(
        "upper",
        (TEXT,),
        "text",
        "upper($1)",
        "In capital letters: one for one, whatever stands beside it, by Unicode 15.",
        "转大写：逐字对应（Unicode 15），与前后文无关。",
        (
            Example(("aBé",), "ABÉ"),
            Example(("张a",), "张A"),
            Example(("ａ",), "Ａ"),
            Example(("straße",), "STRAẞE", "one letter for one; engines' upper gives SS or ẞ"),
            Example(("ﬁ",), "ﬁ", "a letter without a capital stays"),
            Example((None,), None),
        ),
        spark=letters.UPPER,
    ),
    Function(
        "lower",
        (TEXT,),
        "text",
        "lower($1)",
        "In small letters: one for one, whatever stands beside it, by Unicode 15.",
        "转小写：逐字对应（Unicode 15），与前后文无关。",
        (
            Example(("aBÉ",), "abé"),
            Example(("张A",), "张a"),
            Example(("ΟΔΟΣ",), "οδοσ", "engines' lower looks at the word's end, or not"),
            Example(("İ",), "i"),
            Example((None,), None),
        ),
        spark=letters.LOWER,
    ),
    Function(
        "length",
        (TEXT,),
        "integer",
        "length($1)",
        "How many characters (code points, not bytes).",
        "字符数（码点，非字节）。",
        (Example(("张三a",), 3), Example(("",), 0), Example(("𠮷",), 1), Example((None,), None)),
        spark="cast(length($1) as bigint)",
    ),
    Function(
        "substring",
        (TEXT, _AT, _COUNT),
        "text",
        "nullif(substring($1, $2, $3), '')",
        "`count` characters from position `from` (the first is 1).",
        "从第 from 个字符（首字符为 1）起取 count 个字符。",
        (
            Example(("abcdef", 2, 3), "bcd"),
            Example(("张三丰", 3, 9), "丰"),
            Example(("ab", 3, 1), None),
            Example(("ab", 1, 0), None),
            Example((None, 1, 1), None),
        ),
    ),
    Function(
        "left",
        (TEXT, _COUNT),
        "text",
        "nullif(left($1, $2), '')",
        "The first `count` characters.",
        "前 count 个字符。",
        (Example(("abc", 2), "ab"), Example(("张", 5), "张"), Example(("a", 0), None), Example((None, 1), None)),
    ),
    Function(
        "right",
        (TEXT, _COUNT),
        "text",
        "nullif(right($1, $2), '')",
        "The last `count` characters.",
        "后 count 个字符。",
        (Example(("abc", 2), "bc"), Example(("张", 5), "张"), Example(("a", 0), None), Example((None, 1), None)),
    ),
    Function(
        "concat",
        (TEXT,),
        "text",
        "nullif(concat($args), '')",
        "The texts one after the other; a null counts as nothing (the operator || gives null instead).",
        "依次连接文本；null 视为空（运算符 || 则得 null）。",
        (Example(("a", None, "b"), "ab"), Example((None, None), None), Example(("", ""), None)),
        nulls="null counts as nothing",
        many=True,
        spark="nullif(concat_ws('', $args), '')",
    ),
    Function(
        "split_part",
        (TEXT, Argument("separator", "text", literal=True, low=1), Argument("n", "integer", literal=True, low=1, high=10_000)),
        "text",
        "nullif(split_part($1, $2, $3), '')",
        "The n-th piece between separators (the first is 1).",
        "按分隔符切分后的第 n 段（首段为 1）。",
        (
            Example(("a|b||d", "|", 2), "b"),
            Example(("a|b||d", "|", 3), None),
            Example(("a", "|", 2), None),
            Example((None, "|", 1), None),
            Example(("a.b", ".", 2), "b", "the separator is no pattern"),
        ),
    ),
    Function(
        "replace",
        (TEXT, Argument("old", "text", literal=True), Argument("new", "text", literal=True)),
        "text",
        "nullif(replace($1, $2, $3), '')",
        "With every `old` replaced by `new`.",
        "将所有 old 替换为 new。",
        (Example(("a-b-c", "-", ""), "abc"), Example(("aa", "a", ""), None), Example(("张", "x", "y"), "张"), Example((None, "a", "b"), None)),
    ),
    Function(
        "starts_with",
        (TEXT, _PART),
        "boolean",
        "starts_with($1, $2)",
        "Whether the text begins with `part`.",
        "是否以 part 开头。",
        (Example(("I21.0", "I21"), True), Example(("a", "ab"), False), Example(("", ""), True), Example((None, "a"), None), Example(("a", None), None)),
        spark="startswith($1, $2)",
    ),
    Function(
        "ends_with",
        (TEXT, _PART),
        "boolean",
        "suffix($1, $2)",
        "Whether the text ends with `part`.",
        "是否以 part 结尾。",
        (Example(("I21.0", ".0"), True), Example(("a", "ba"), False), Example(("张三", "三"), True), Example((None, "a"), None), Example(("a", None), None)),
        spark="endswith($1, $2)",
    ),
    Function(
        "contains",
        (TEXT, _PART),
        "boolean",
        "contains($1, $2)",
        "Whether `part` occurs in the text.",
        "是否包含 part。",
        (Example(("a%b", "%"), True), Example(("abc", "d"), False), Example(("慢性病", "性"), True), Example((None, "a"), None), Example(("a", None), None)),
    ),
    Function(
        "digits",
        (TEXT,),
        "text",
        "nullif(regexp_replace($1, '[^0-9]', '', 'g'), '')",
        "Only the digits 0-9 of the text.",
        "只保留数字 0-9。",
        (
            Example(("No. 12-3",), "123"),
            Example(("１２",), None, "full-width digits are not digits here; see half_width"),
            Example(("",), None),
            Example((None,), None),
        ),
        spark="nullif(regexp_replace($1, '[^0-9]', ''), '')",
    ),
    Function(
        "half_width",
        (TEXT,),
        "text",
        f"case when regexp_matches($1, '{_WIDE}') then translate($1, {quoted(FULL_WIDTH)}, {quoted(HALF_WIDTH)}) else $1 end",
        "Full-width digits, Latin letters, signs and spaces become half-width.",
        "全角数字、字母、符号和空格转半角。",
        (Example(("Ａ１２，　ｂ",), "A12, b"), Example(("张三",), "张三"), Example(("＇＼",), "'\\"), Example((None,), None)),
        spark=f"case when $1 rlike {quoted(_WIDE)} then translate($1, {quoted(FULL_WIDTH)}, {quoted(HALF_WIDTH)}) else $1 end",
    ),
    Function(
        "pad_left",
        (TEXT, Argument("width", "integer", literal=True, low=1, high=1000), Argument("fill", "text", literal=True, low=1)),
        "text",
        "case when length($1) >= $2 then $1 else lpad($1, $2, $3) end",
        "Filled up to `width` characters on the left; longer text stays whole.",
        "左侧补足到 width 个字符；更长的文本不截断。",
        (Example(("7", 3, "0"), "007"), Example(("1234", 3, "0"), "1234"), Example(("", 2, "0"), "00"), Example((None, 3, "0"), None)),
    ),
    Function(
        "integer_text",
        (Argument("x", "integer"),),
        "text",
        "cast($1 as varchar)",
        "A whole number as text.",
        "整数转文本。",
        (Example((-7,), "-7"), Example((9223372036854775807,), "9223372036854775807"), Example((None,), None)),
        spark="cast($1 as string)",
    ),
)
