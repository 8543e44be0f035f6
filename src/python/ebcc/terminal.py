# SPDX-License-Identifier: Apache-2.0
"""Makes names from traced programs safe to show on a terminal: a name may contain sequences that
move the cursor, change the window's title or make the terminal send a reply."""


def _is_harmless(character):
    """Whether a terminal only displays the character. That includes bytes that are not UTF-8
    (surrogates), except those that are control characters in other encodings."""
    return character.isprintable() or "\udca0" <= character <= "\udcff"


def printable(text):
    """The string with every character escaped that is not harmless: control characters (those of C1
    begin sequences too), and characters that change the direction of the text around them or break
    lines."""
    if text.isprintable():
        return text
    return "".join(
        c if _is_harmless(c) else
        "".join(f"\\x{byte:02x}" for byte in c.encode("utf-8", "surrogateescape")) for c in text)


def for_terminal(raw):
    """Bytes from a traced program, escaped so that they are safe to show on a terminal."""
    return printable(raw.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
