"""A catalogue and a model that belong together: what a worker serves from, replaced as one."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.affinity import KINDS, Tally, tally_of
from features.content import ItemContent
from features.pairs import COSTS_BY_HAND, Costs, rarity
from reco.catalogue.numbering import ATTRIBUTES
from reco.catalogue.snapshot import Catalogue
from reco.feed.workspace import Workspace
from reco.lazily import lazy
from reco.model.arranged import Arranged, arranged
from reco.model.link import STRAIGHT, Link
from reco.model.loaded import LoadedModel
from reco.model.ranker import Ranker

NO_MODEL = "none"


@dataclass(frozen=True)
class Generation:
    """What requests are answered from until the next one takes its place."""

    catalogue: Catalogue
    model: LoadedModel | None
    model_rows: NDArray[np.int32]
    """(I,) row in the model of each catalogue item, or of what stands in for it; −1 unknown."""
    arranged: Arranged | None
    """The model's items in the order of the catalogue's, as far as those of the base go."""
    workspace: Workspace
    """Goes on from one generation to the next."""

    @property
    def model_version(self) -> str:
        """The model's version, or `none`."""
        return self.model.version if self.model else NO_MODEL

    @property
    def ranker(self) -> Ranker | None:
        """The model's."""
        return self.model.ranker if self.model else None

    @property
    def costs(self) -> Costs:
        """What an offer costs: as was learned with the model, else by hand."""
        return self.ranker.costs if self.ranker else COSTS_BY_HAND

    def worked_out(self) -> "Generation":
        """Work out now all that is the same for every request, so that none waits for it."""
        for part in (*_parts(self), self.costs):
            for name in _worked_out_of(type(part)):
                getattr(part, name)
        return self

    @cached_property
    def link(self) -> Link:
        """What sums of log-odds mean: as was learned with the model, else what they say."""
        return self.ranker.link if self.ranker else STRAIGHT

    @cached_property
    def frequent(self) -> NDArray[np.float32]:
        """(I,) minus what the rarity of each item costs; empty: no ranker was learned."""
        if self.ranker is None:
            return np.empty(0, dtype=np.float32)
        made = int(self.catalogue.bookings.sum())
        bookings = self.catalogue.item_bookings
        return -self.ranker.rarity(rarity(bookings, made)).astype(np.float32)

    @cached_property
    def bookings_by_kind(self) -> Tally:
        """Recent bookings of everybody, by category, subcategory and genre."""
        sizes = np.diff(self.catalogue.numbering.first)[[ATTRIBUTES.index(kind) for kind in KINDS]]
        bookings = self.catalogue.item_bookings
        return tally_of(self.catalogue.items.kinds, bookings, sizes.tolist())


def _parts(whole: Any) -> Iterator[Any]:
    """Yield `whole` and all that it consists of, as far down as dataclasses go."""
    yield whole
    for one in fields(whole):
        part = getattr(whole, one.name)
        if is_dataclass(part):
            yield from _parts(part)


def _worked_out_of(kind: type) -> list[str]:
    """Return the names of what objects of that kind work out once."""
    return [
        name
        for name in dir(kind)
        if isinstance(inspect.getattr_static(kind, name), cached_property | lazy)
    ]


ReadContents = Callable[[NDArray[np.bytes_]], Sequence[ItemContent | None]]
"""External item ids -> what the items are about."""


def generation(
    catalogue: Catalogue,
    model: LoadedModel | None,
    before: Generation | None = None,
    contents: ReadContents | None = None,
) -> Generation:
    """Align the items of `catalogue` with those of `model`.

    Parameters
    ----------
    before
        The generation that is replaced: its workspace goes on, and with the same model and base,
        only items that came since are looked up.
    contents
        Lends what items are about that the model has never heard of; None: it cannot say for them.
    """
    known, in_order = np.empty(0, dtype=np.int32), None
    if before and before.model is model and before.catalogue.base is catalogue.base:
        known, in_order = before.model_rows, before.arranged
    later = catalogue.items.item_external_id[len(known) :]
    rows = _rows_of(later, model, contents)
    model_rows = np.concatenate([known, rows]) if len(rows) else known
    if model and in_order is None:
        in_order = arranged(model.scorer, model_rows[: catalogue.base_items])
    workspace = before.workspace if before else Workspace()
    return Generation(catalogue, model, model_rows, in_order, workspace)


def _rows_of(
    items: NDArray[np.bytes_], model: LoadedModel | None, contents: ReadContents | None
) -> NDArray[np.int32]:
    """Return the row of each item, or of the one that stands in for it where nobody met it."""
    if model is None:
        return np.full(len(items), -1, dtype=np.int32)
    rows, content = model.item_rows(items), model.content
    if content is None:
        return rows
    rows = np.where(rows >= 0, content.stand_in[rows], np.int32(-1))
    unheard = np.flatnonzero(rows < 0)
    if contents and len(unheard):
        rows[unheard] = content.stand_ins(contents(items[unheard]))
    return rows
