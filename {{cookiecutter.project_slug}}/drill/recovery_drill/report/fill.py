"""Fill the templates of the page and of the drawing.

All markup stands in the templates. What is put into them came from outside (a node's words, the
exchange's ids, names of files): it is escaped, always, and no template says otherwise.
"""

import re

from jinja2 import Environment, PackageLoader, StrictUndefined

# A node's log may hold any character, a document may not: these have no place in HTML or in XML.
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def printable(text: str) -> str:
    """Return a text that a document can hold: each character that it cannot becomes a mark."""
    return UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _printable_value(value: object) -> object:
    """Make texts printable; what a template has made itself, and numbers, stay as they are."""
    return printable(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


# A name that a template knows and nobody passed is a mistake, not an empty place.
TEMPLATES = Environment(
    loader=PackageLoader("recovery_drill.report"),
    autoescape=True,
    undefined=StrictUndefined,
    finalize=_printable_value,
    trim_blocks=True,
    lstrip_blocks=True,
)


def fill(template: str, **values: object) -> str:
    """Return a template filled with values.

    Parameters
    ----------
    template : str
        Its file's name in ``templates``.
    values : object
        What it names.

    """
    return TEMPLATES.get_template(template).render(values).rstrip() + "\n"
