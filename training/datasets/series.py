"""Names of events as names of series."""

import re

import pandas as pd

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_DAY = r"(?:\d{1,2}(?:st|nd|rd|th)?\b)"
_YEAR = r"\(?\b(?:19|20)\d\d\b\)?"

EDITION = re.compile(
    rf"\b{_MONTH}(?:\s+{_DAY})?(?:,?\s*{_YEAR})?"
    rf"|\b\d{{1,2}}/\d{{1,2}}/\d{{2,4}}\b|{_YEAR}|#\s*\d+|\b\d+(?:st|nd|rd|th)\s+annual\b",
    re.IGNORECASE,
)
"""What tells one edition from the next: a month with its day and year, a date, a year, `#12`."""


def without_edition(names: "pd.Series[str]") -> "pd.Series[str]":
    """Return event names without what numbers or dates them, and with single spaces.

    Parts ("part 2") stay: the parts of a course are different evenings.

    >>> without_edition(pd.Series(["Big Sky Dev Con 2014", "February Tango  Night #2"])).to_list()
    ['Big Sky Dev Con', 'Tango Night']
    """
    bare = names.str.replace(EDITION, " ", regex=True).str.split().str.join(" ").str.strip(" -,:/")
    return bare.where(bare != "", names.str.split().str.join(" "))


def series_key(names: "pd.Series[str]") -> "pd.Series[str]":
    """Return event names as keys of series: no edition, no case, no punctuation.

    `+` and `#` stay where they follow a letter, since C, C++ and C# are three subjects.

    >>> series_key(pd.Series(["BarCamp 2010", "Barcamp!", "C++ evening", "C evening"])).to_list()
    ['barcamp', 'barcamp', 'c++ evening', 'c evening']
    """
    bare = without_edition(names).str.casefold()
    words = bare.str.replace(r"(?<![\w+#])[+#]+|[^\w+#]+", " ", regex=True)
    key = words.str.split().str.join(" ")
    return key.where(key != "", bare)
