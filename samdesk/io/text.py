"""Text from files made safe to show, and text for tables made safe to open in a spreadsheet."""

import unicodedata

# Longer labels are cut; no list can show them, and a hostile one would fill the window.
MAX_LETTERS = 200

# Characters that turn the direction of what follows, by their names in the Unicode standard.
_BIDI = {
    "\u200e": "LRM", "\u200f": "RLM", "\u061c": "ALM",
    "\u202a": "LRE", "\u202b": "RLE", "\u202c": "PDF", "\u202d": "LRO", "\u202e": "RLO",
    "\u2066": "LRI", "\u2067": "RLI", "\u2068": "FSI", "\u2069": "PDI",
}  # fmt: skip


def plain(text: object, letters: int = MAX_LETTERS) -> str:
    """Make text from a file safe to show as one line of plain text.

    Control characters become their pictures (a newline is shown as U+240A), characters that turn
    the writing direction become their names in brackets, others that cannot be shown become
    U+FFFD, and what is longer than `letters` ends in an ellipsis.

    Args:
        text: anything; None gives an empty text.
        letters: greatest length of the result.
    """
    if text is None:
        return ""
    words = str(text)
    # Cut first, so that a text of megabytes costs nothing.
    shown = "".join(_visible(letter) for letter in words[: letters + 1]).strip()
    if len(words) > letters or len(shown) > letters:
        return shown[: letters - 1] + "\u2026"
    return shown


def cell(text: object, letters: int = MAX_LETTERS) -> str:
    """Prepare text for a cell of a CSV table: a formula becomes text by a leading quote mark."""
    words = plain(text, letters)
    return f"'{words}" if words[:1] in ("=", "+", "-", "@") else words


def from_cell(text: str) -> str:
    """Take back the quote mark that `cell` put before a formula."""
    return text[1:] if text[:1] == "'" and text[1:2] in ("=", "+", "-", "@") else text


def _visible(letter: str) -> str:
    if letter in _BIDI:
        return f"[{_BIDI[letter]}]"
    code = ord(letter)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    # Cc: other controls; Cs: lone halves of pairs; Cn, Co: nothing a font could show.
    if unicodedata.category(letter) in ("Cc", "Cs", "Cn", "Co", "Zl", "Zp"):
        return "\ufffd"
    return letter
