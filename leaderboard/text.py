"""Names that strangers choose: what may stand in them, and when two of them look the same."""

from __future__ import annotations

import re
import unicodedata

# Controls, format characters (bidi overrides, zero width), surrogates, private use, unassigned, line separators.
_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# What the categories miss: the letters and marks among Unicode's Default_Ignorable_Code_Point, and two signs
# that look empty (blank Braille pattern, empty musical note head).
_EMPTY = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U0001d159\U000e0100-\U000e01ef]"
)
MAX_MARKS = 3  # combining marks on one letter, after composition; living scripts need no more


def invisible(text: str) -> list[str]:
    """Code points in `text` that do not show or that reorder what is shown, as ``U+XXXX``; not line breaks."""
    bad = {c for c in text if (unicodedata.category(c) in _CATEGORIES and c != "\n") or _EMPTY.match(c)}
    return [f"U+{ord(c):04X}" for c in sorted(bad)]


def stacked(text: str) -> bool:
    """Whether a combining mark has no letter to stand on, or more than three of them stand on one."""
    marks = MAX_MARKS
    for c in unicodedata.normalize("NFC", text):
        if not unicodedata.category(c).startswith("M"):
            marks = MAX_MARKS if c.isspace() else 0
        elif marks == MAX_MARKS:
            return True
        else:
            marks += 1
    return False


def alike(text: str) -> str:
    """A form in which two names are equal when they look alike: NFKC, case folded, white space as one space."""
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).split())
