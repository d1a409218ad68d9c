"""Text of tools, models and files, made safe to show: what would steer the terminal is shown instead of obeyed."""

from __future__ import annotations


def visible(text: str, keep: str = "") -> str:
    """The text with every character that does not print as its escape, but for those to `keep`."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each in keep else _escaped(each) for each in text)


def visible_lines(text: str) -> str:
    """The same for text of several lines, as a traceback."""
    return visible(text, keep="\n\t")


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()
