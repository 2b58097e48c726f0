"""An HTML document, as a reader's program sees it."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "br", "link", "img", "input", "hr"}


@dataclass
class Element:
    """One element with all that is in it."""

    name: str
    attributes: dict
    children: list = field(default_factory=list)

    @property
    def text(self):
        return "".join(one if isinstance(one, str) else one.text for one in self.children)

    def all(self, name):
        """Return the elements of a name within, in order."""
        inner = [one for one in self.children if isinstance(one, Element)]
        return [
            found for one in inner for found in ([one] if one.name == name else []) + one.all(name)
        ]

    def one(self, anchor):
        """Return the element with an id."""
        for child in self.children:
            if isinstance(child, Element):
                if child.attributes.get("id") == anchor:
                    return child
                if found := child.one(anchor):
                    return found
        return None


class _Parser(HTMLParser):
    def __init__(self):
        super().__init__()
        self.path = [Element("", {})]

    def handle_starttag(self, tag, attrs):
        made = Element(tag, dict(attrs))
        self.path[-1].children.append(made)
        if tag not in VOID:
            self.path.append(made)

    def handle_endtag(self, tag):
        assert self.path[-1].name == tag, f"</{tag}> closes <{self.path[-1].name}>"
        self.path.pop()

    def handle_data(self, data):
        self.path[-1].children.append(data)


def parsed(text):
    """Return the document, every element of which is closed where it should be."""
    parser = _Parser()
    parser.feed(text)
    parser.close()
    assert len(parser.path) == 1
    return parser.path[0]


def looked_up(run, source):
    """Return what stands in a run at a source like `summary/systems/1/metrics/ndcg@8/change`."""
    file, *path = source.split("/")
    found = {"summary": run.summary, "manifest": run.manifest}[file]()
    for step in path:
        if step == "#":
            return len(found)
        found = found[int(step)] if isinstance(found, list) else found[step]
    return found


def numbers(element):
    """Return the exact values of the numbers in an element, in order."""
    return [float(one.attributes["value"]) for one in element.all("data")]
