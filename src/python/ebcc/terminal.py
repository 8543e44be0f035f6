# SPDX-License-Identifier: Apache-2.0
"""What traced programs name, made fit to be shown on a terminal: a name may hold sequences that move
the cursor, change the window's title or make it answer."""


def _is_harmless(character):
    """Whether it can do no more to a terminal than show itself. Bytes that are not UTF-8 (surrogates)
    are, except those that terminals of other encodings take for control characters."""
    return character.isprintable() or "\udca0" <= character <= "\udcff"


def printable(text):
    """The string with everything written out that is not harmless: control characters (those of C1
    begin sequences, too), and those that turn the direction of the text around them or break
    lines."""
    if text.isprintable():
        return text
    return "".join(
        c if _is_harmless(c) else
        "".join(f"\\x{byte:02x}" for byte in c.encode("utf-8", "surrogateescape")) for c in text)


def for_terminal(raw):
    """The bytes, which a traced program chose, as they may be shown on a terminal."""
    return printable(raw.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
