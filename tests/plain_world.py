"""A random world as plain rows, and what METRICS says of a slate in it: loops, sets, no arrays."""

import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import combinations

import numpy as np

from features.horizon import POINTS, points, values_of
from reco.frames.files import write_frames
from reco.frames.tables import frame_table

WEEK = timedelta(days=7)
START = datetime(2026, 9, 7, tzinfo=UTC)
"""Of the first week that is judged."""
TOWN, VILLAGE = (5.7, 45.2), (6.8, 46.0)
"""124 km apart: from one, with the default radius, nobody sees the other."""
SUBCATEGORIES = {
    "LIVRE_PAPIER": ("LIVRE", False, False, True),
    "LIVRE_NUMERIQUE": ("LIVRE", False, True, False),
    "SEANCE_CINE": ("CINEMA", True, False, False),
    "CONCERT": ("MUSIQUE", True, False, False),
    "VINYLE": ("MUSIQUE", False, False, True),
    "VISITE": ("MUSEE", True, False, False),
}
CAPS_CENTS = {"digital": 20_000, "physical": 20_000}
MOST_CENTS = 30_000


@dataclass(frozen=True)
class PlainWorld:
    """Rows by id; times are datetimes, None where there is none."""

    items: dict[str, dict]
    venues: dict[str, dict]
    offers: dict[str, dict]
    stocks: dict[str, dict]
    users: dict[str, dict]
    bookings: list[dict]

    def write(self, folder):
        """Write it as frames."""
        tables = {
            "taxonomy": [
                dict(zip(("subcategory", "category", "is_event", "is_digital", "is_physical"),
                         (name, *rest), strict=True))
                for name, rest in SUBCATEGORIES.items()
            ],
            "items": [{**row, "genre": "|".join(row["genre"]) or None} for row in
                      self.items.values()],
            "venues": list(self.venues.values()),
            "offers": list(self.offers.values()),
            "stocks": list(self.stocks.values()),
            "users": list(self.users.values()),
            "bookings": self.bookings,
            "interactions": [
                {"user_id": "someone0", "offer_id": "o0", "kind": "view", "at": START}
            ],
        }  # fmt: skip
        frames = {
            name: frame_table(name, {column: [row[column] for row in rows] for column in rows[0]})
            for name, rows in tables.items()
        }
        write_frames(frames, folder, "parquet")
        return folder


def plain_world(seed=0, users=40):
    """Return a small world with every oddity: digital, sold out, unpublished, cancelled, far."""
    drawn = np.random.default_rng(seed)

    def some(values):
        return values[int(drawn.integers(len(values)))]

    def when(earliest_days, latest_days):
        return START + timedelta(hours=int(24 * drawn.uniform(earliest_days, latest_days)))

    items, venues, offers, stocks, people = {}, {}, {}, {}, {}
    for number in range(45):
        kind = some(list(SUBCATEGORIES))
        genres = drawn.permutation([*"abcdefgh"])[: drawn.integers(0, 4)].tolist()
        items[f"i{number}"] = {
            "item_id": f"i{number}", "category": SUBCATEGORIES[kind][0], "subcategory": kind,
            "genre": genres, "title": f"Work {number}",
        }  # fmt: skip
    for number in range(12):
        lon, lat = VILLAGE if number > 8 else TOWN
        venues[f"v{number}"] = {
            "venue_id": f"v{number}",
            "lon": lon + drawn.uniform(-0.15, 0.15),
            "lat": lat + drawn.uniform(-0.15, 0.15),
            "venue_type": some(["bookshop", "cinema", "hall", None]),
        }
    for number in range(110):
        # Few works, more offers: many a work can be had at several venues.
        item = some(list(items))
        is_digital = items[item]["subcategory"] == "LIVRE_NUMERIQUE"
        venue = some(list(venues))
        # One venue is announced and has nothing yet.
        is_announced = venue == "v9" or drawn.random() < 0.1
        offers[f"o{number}"] = {
            "offer_id": f"o{number}", "item_id": item,
            "venue_id": None if is_digital else venue,
            "published_at": when(14, 20) if is_announced else when(-60, -40),
            "withdrawn_at": when(-3, 10) if drawn.random() < 0.1 else None,
        }  # fmt: skip
    for number in range(150):
        is_dated = drawn.random() < 0.5
        stocks[f"s{number}"] = {
            "stock_id": f"s{number}",
            "offer_id": f"o{number}" if number < len(offers) else some(list(offers)),
            "price_eur": float(some([0, 5, 12.5, 30, 90, 350])),
            "starts_at": when(-20, 40) if is_dated else None,
            "quantity": some([1, 2, 50, None, None]),
            "created_at": when(-60, -40) if drawn.random() < 0.9 else when(0, 10),
            "cancelled_at": when(-10, 10) if drawn.random() < 0.05 else None,
        }
    for number in range(users):
        lon, lat = VILLAGE if number % 8 == 7 else TOWN
        has_credit = number % 5 != 4
        people[f"someone{number}"] = {
            "user_id": f"someone{number}",
            "lon": round(lon + drawn.uniform(-0.1, 0.1), 3),
            "lat": round(lat + drawn.uniform(-0.1, 0.1), 3),
            "credit_eur": float(some([30, 100, 300])) if has_credit else None,
            "credit_granted_at": when(-200, -100) if has_credit else None,
            "credit_expires_at": some([when(5, 12), when(300, 400)]) if has_credit else None,
        }
    # One who booked nothing joins within the first week.
    people[f"someone{users - 2}"] |= {
        "credit_eur": 300.0,
        "credit_granted_at": START + timedelta(days=3),
        "credit_expires_at": START + timedelta(days=300),
    }
    return PlainWorld(
        items, venues, offers, stocks, people, _bookings(drawn, people, stocks, per_user=9)
    )


def _bookings(drawn, people, stocks, per_user):
    rows = []
    for user in list(people)[:-3]:
        for _ in range(int(drawn.integers(1, per_user))):
            stock = list(stocks)[int(drawn.integers(len(stocks)))]
            at = START + timedelta(hours=int(24 * drawn.uniform(-30, 14)))
            is_cancelled = drawn.random() < 0.15
            rows.append({
                "user_id": user, "stock_id": stock, "quantity": 1,
                "amount_eur": min(20.0, stocks[stock]["price_eur"]), "booked_at": at,
                "cancelled_at": at + timedelta(days=int(drawn.integers(1, 9)))
                if is_cancelled else None,
            })  # fmt: skip
    return rows


def apart_m(home, venue):
    """Return the distance on a sphere, by the haversine."""
    lon1, lat1, lon2, lat2 = (
        math.radians(row[name]) for row in (home, venue) for name in ("lon", "lat")
    )
    half = math.sin((lat2 - lat1) / 2) ** 2
    half += math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * 6_371_000 * math.asin(math.sqrt(half))


@dataclass(frozen=True)
class Plain:
    """METRICS, sections 2 and 3, of slates of `k` offers in a world, by their plain definitions."""

    world: PlainWorld
    k: int
    told: dict = field(default_factory=dict, compare=False)
    """What was asked before, by moment."""

    def once(self, what, at):
        """Return what a method says of a moment, thought of once."""
        if (what, at) not in self.told:
            self.told[what, at] = getattr(self, what)(at)
        return self.told[what, at]

    def item(self, offer):
        return self.world.offers[offer]["item_id"]

    def values(self, offer):
        row = self.world.offers[offer]
        item, venue = self.world.items[row["item_id"]], self.world.venues.get(row["venue_id"])
        return values_of(
            category=item["category"], subcategory=item["subcategory"], genres=item["genre"],
            venue=row["venue_id"], venue_type=venue["venue_type"] if venue else None,
        )  # fmt: skip

    def category(self, offer):
        return self.world.items[self.item(offer)]["category"]

    def offer_of(self, stock):
        return self.world.stocks[stock]["offer_id"]

    def history(self, user, at):
        """Return the offers whose bookings stood at a moment, in order of time."""
        return [
            self.offer_of(row["stock_id"])
            for row in sorted(self.world.bookings, key=lambda row: row["booked_at"])
            if row["user_id"] == user
            and row["booked_at"] <= at
            and (row["cancelled_at"] is None or row["cancelled_at"] > at)
        ]

    def later(self, user, at):
        """Return the offers of new items that were booked in the week after, and not undone."""
        known = {self.item(offer) for offer in self.history(user, at)}
        booked = {
            self.offer_of(row["stock_id"])
            for row in self.world.bookings
            if row["user_id"] == user
            and at < row["booked_at"] <= at + WEEK
            and (row["cancelled_at"] is None or row["cancelled_at"] > at + WEEK)
        }
        return {offer for offer in booked if self.item(offer) not in known}

    def met(self, user, at):
        return frozenset().union(*(self.values(offer) for offer in self.history(user, at)))

    def open_stocks(self, at):
        """Return what could be booked at a moment, by offer."""
        taken = Counter()
        for row in self.world.bookings:
            undone = row["cancelled_at"] is not None and row["cancelled_at"] <= at
            if row["booked_at"] <= at and not undone:
                taken[row["stock_id"]] += row["quantity"]
        found = {}
        for name, stock in self.world.stocks.items():
            offer = self.world.offers[stock["offer_id"]]
            opens = max(stock["created_at"], offer["published_at"])
            ends = [stock["starts_at"], stock["cancelled_at"], offer["withdrawn_at"]]
            has_place = stock["quantity"] is None or taken[name] < stock["quantity"]
            if opens <= at and has_place and all(end is None or end > at for end in ends):
                found.setdefault(stock["offer_id"], []).append(stock)
        return found

    def distance_m(self, user, offer):
        """Return the distance on a sphere from home, None online."""
        venue = self.world.venues.get(self.world.offers[offer]["venue_id"])
        if venue is None:
            return None
        return apart_m(self.world.users[user], venue)

    def candidates(self, user, at, radius_m):
        """Return the offers that could be booked within a radius, or online."""
        return [
            offer
            for offer in self.once("open_stocks", at)
            if (far := self.distance_m(user, offer)) is None or far <= radius_m
        ]

    def limit_cents(self, user, at, cap):
        """Return the most that a stock may cost, infinite without a deposit."""
        row = self.world.users[user]
        if row["credit_eur"] is None:
            return math.inf
        if row["credit_expires_at"] <= at:
            return 0
        spent = Counter()
        for booking in self.world.bookings:
            undone = booking["cancelled_at"] is not None and booking["cancelled_at"] <= at
            if booking["user_id"] == user and booking["booked_at"] <= at and not undone:
                cents = round(100 * booking["amount_eur"])
                spent["all"] += cents
                spent[self.cap(self.offer_of(booking["stock_id"]))] += cents
        left = [round(100 * row["credit_eur"]) - spent["all"], MOST_CENTS]
        left += [CAPS_CENTS[cap] - spent[cap]] if cap in CAPS_CENTS else []
        return max(0, min(left))

    def cap(self, offer):
        _, is_event, is_digital, _ = SUBCATEGORIES[
            self.world.items[self.item(offer)]["subcategory"]
        ]
        return "event" if is_event else "digital" if is_digital else "physical"

    def is_affordable(self, user, at, offer):
        limit_cents = self.limit_cents(user, at, self.cap(offer))
        prices = [100 * stock["price_eur"] for stock in self.once("open_stocks", at).get(offer, ())]
        return any(price <= limit_cents for price in prices)

    def there(self, at):
        """Return who was there at a moment: who was granted a credit later was not."""
        return [
            name
            for name, row in self.world.users.items()
            if row["credit_eur"] is None or row["credit_granted_at"] <= at
        ]

    def known(self, at):
        """Return how many of those who were there had booked each item."""
        return Counter(
            item
            for user in self.once("there", at)
            for item in {self.item(offer) for offer in self.history(user, at)}
        )

    def share_of_users(self, item, at):
        """Return who had booked an item; half a person where nobody had."""
        return max(self.once("known", at)[item], 0.5) / len(self.once("there", at))

    def most_points(self, user, at, radius_m):
        """Return U_k; the widest offer is that of all that could be booked anywhere."""
        met, there = self.met(user, at), self.candidates(user, at, radius_m)
        most = 0.0
        for attribute, weight in POINTS.items():
            found = [
                {value for value in self.values(offer) if value[0] == attribute}
                for offer in self.once("open_stocks", at)
            ]
            widest = max((len(values) for values in found), default=0)
            near = set().union(
                *({v for v in self.values(offer) if v[0] == attribute} for offer in there)
            )
            most += weight * min(self.k * widest, len(near - met))
        return most

    def relevance(self, user, at, slate, k):
        """Return the figures of section 2 by name; none where nothing was booked later."""
        wanted = {self.item(offer) for offer in self.later(user, at)}
        if not wanted:
            return {}
        gains = [self.item(offer) in wanted for offer in slate[:k]]
        places = [place for place, hit in enumerate(gains, 1) if hit]
        ideal = sum(1 / math.log2(j + 1) for j in range(1, min(k, len(wanted)) + 1))
        return {
            f"recall@{k}": len(places) / min(k, len(wanted)),
            f"recall_full@{k}": len(places) / len(wanted),
            f"ndcg@{k}": sum(1 / math.log2(j + 1) for j in places) / ideal,
            f"mrr@{k}": 1 / places[0] if places else 0.0,
            f"map@{k}": sum(n / place for n, place in enumerate(places, 1)) / len(wanted),
            f"hit@{k}": float(bool(places)),
        }

    def beyond(self, user, at, slate, radius_m):
        """Return the figures of section 3 of one slate, by name; None: not defined."""
        met, later, shown = self.met(user, at), self.later(user, at), set(map(self.item, slate))
        hits = [self.values(offer) for offer in later if self.item(offer) in shown]
        possible = points([self.values(offer) for offer in later], met)
        new = {self.item(offer) for offer in later if ("category", self.category(offer)) not in met}
        earned = points([self.values(offer) for offer in slate], met)
        most = self.most_points(user, at, radius_m)
        far = [far for far in (self.distance_m(user, offer) for offer in slate) if far is not None]
        affordable = [self.is_affordable(user, at, offer) for offer in slate]
        surprise = [-math.log2(self.share_of_users(self.item(offer), at)) for offer in slate]
        return {
            "horizon_recall": points(hits, met) / possible if possible else None,
            "novel_recall": len(new & shown) / min(self.k, len(new)) if new else None,
            "slate_points": earned,
            "slate_horizon": earned / most if most else None,
            "ild": self.ild(slate),
            "novelty": float(np.mean(surprise)) if slate else None,
            "calibration_kl": self.calibration_kl(user, at, slate),
            "distance_m": float(np.median(far)) if far else None,
            "affordable": sum(affordable) / len(slate) if slate else None,
        }

    def ild(self, slate):
        """Return the mean of 1 - cosine of the one-hot attributes, venues left out, over pairs."""
        apart = []
        for one, other in combinations(slate, 2):
            a, b = (
                {value for value in self.values(offer) if value[0] != "venue"}
                for offer in (one, other)
            )
            apart.append(1 - len(a & b) / math.sqrt(len(a) * len(b)))
        return float(np.mean(apart)) if apart else None

    def calibration_kl(self, user, at, slate):
        """Return KL(history || slate) over categories, smoothed by .01 (Steck 2018)."""
        before = Counter(map(self.category, self.history(user, at)))
        if not before or not slate:
            return None
        shown, total = Counter(map(self.category, slate)), 0.0
        for category, times in before.items():
            p = times / before.total()
            q = shown[category] / shown.total()
            total += p * math.log(p / (0.99 * q + 0.01 * p))
        return total
