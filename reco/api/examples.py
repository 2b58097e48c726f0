"""Examples of answers that OpenAPI shows; a test holds them against the answers' records."""

from typing import Any

FEED: dict[str, Any] = {
    "slate_id": "7d6b8c1e-5f0a-4b0e-9a63-2f3f1c0d9e11",
    "model_version": "als-20261123T060000Z-1f2e3d4c",
    "experiment": {"name": "wider-agendas", "variant": "wider"},
    "now": "2026-11-23T12:00:00Z",
    "location_used": {"lat": 45.189, "lon": 5.725, "source": "home"},
    "radius_m": 50000.0,
    "floor": 0.95,
    "points_a_booking": 180.0,
    "relevance_kept": 0.962,
    "explanation": [
        {
            "code": "relevance_kept",
            "parameters": {"relevance_kept": 0.962, "floor": 0.95, "changed": 2},
            "text": "96.2% of the relevance kept, 2 ideas changed.",
        },
        {
            "code": "points_a_booking",
            "parameters": {"points_a_booking": 180.0},
            "text": "Here an expected booking counts for at least 180 points.",
        },
        {
            "code": "points_gained",
            "parameters": {"points": 1.83, "intensity": 10.0, "points_once": 0.21},
            "text": "More points expected than of the likeliest selection: +1.8, over 10 agendas"
            " like this.",
        },
    ],
    "items": [
        {
            "offer_id": "o001234",
            "item_id": "i000321",
            "title": "Le silence des marées",
            "category": "SPECTACLE",
            "subcategory": "SPECTACLE_REPRESENTATION",
            "image_url": None,
            "is_digital": False,
            "is_duo": True,
            "venue": {
                "venue_id": "v0042",
                "name": "Théâtre de la Lune, Grenoble",
                "type": "theatre",
                "lat": 45.191,
                "lon": 5.731,
                "timezone": "Europe/Paris",
            },
            "distance_m": 520.0,
            "sessions": [
                {
                    "stock_id": "s000777",
                    "starts_at": "2026-11-27T19:30:00Z",
                    "price_cents": 1200,
                    "left": 14,
                    "ends_at": "2026-11-27T21:15:00Z",
                }
            ],
            "sessions_total": 1,
            "probability": 0.021,
            "gain": 1.26,
            "reasons": ["first_of_category", "close_to_you"],
            "rank": 3,
            "explanation": [
                {
                    "code": "similar_to",
                    "parameters": {"item_id": "i000007", "title": "Vagues", "score_fall": 0.31},
                    "text": "in the spirit of “Vagues”",
                },
                {
                    "code": "new_category",
                    "parameters": {"attribute": "category", "value": "SPECTACLE", "points": 25.0},
                    "text": "new world: Stage, +25",
                },
                {
                    "code": "new_venue_type",
                    "parameters": {"attribute": "venue_type", "value": "theatre", "points": 20.0},
                    "text": "new kind of venue: theatre, +20",
                },
                {"code": "rank", "parameters": {"rank": 3}, "text": "no. 3 by relevance"},
            ],
        }
    ],
    "horizon": {
        "points": 65.0,
        "categories": ["LIVRE"],
        "met": {
            "category": ["LIVRE"],
            "venue_type": ["bookshop"],
            "subcategory": ["LIVRE_PAPIER"],
            "venue": ["v0007"],
            "genre": ["Roman"],
        },
        "additions": [
            {
                "attribute": "category",
                "value": "SPECTACLE",
                "name": None,
                "points": 25.0,
                "chance": 0.191,
            },
            {
                "attribute": "venue",
                "value": "v0042",
                "name": "Théâtre de la Lune, Grenoble",
                "points": 5.0,
                "chance": 0.191,
            },
        ],
        "gain": 1.26,
        "intensity": 10.0,
        "gain_at_intensity": 11.47,
        "bound": 11.47,
    },
    "next_cursor": None,
    "notes": [],
}

SEARCH: dict[str, Any] = {
    "now": "2026-11-23T12:00:00Z",
    "catalogue_version": "20261123T115500Z-3f2a+9",
    "sort": ["distance", "price", "date", "offer_id"],
    "group": "item",
    "location": {"lat": 45.189, "lon": 5.725},
    "radius_m": 50000.0,
    "bbox": None,
    "starts_from": None,
    "starts_before": None,
    "total_items": 412,
    "total_offers": 655,
    "items": [
        {
            "offer_id": "o001234",
            "item_id": "i000321",
            "title": "Le silence des marées",
            "category": "SPECTACLE",
            "subcategory": "SPECTACLE_REPRESENTATION",
            "image_url": None,
            "is_digital": False,
            "is_duo": True,
            "venue": FEED["items"][0]["venue"],
            "distance_m": 520.0,
            "sessions": FEED["items"][0]["sessions"],
            "sessions_total": 1,
        }
    ],
    "facets": {
        "category": [{"value": "LIVRE", "count": 300}, {"value": "SPECTACLE", "count": 112}],
        "subcategory": [
            {"value": "LIVRE_PAPIER", "count": 300},
            {"value": "SPECTACLE_REPRESENTATION", "count": 112},
        ],
        "day": [{"value": "2026-11-27", "count": 12}, {"value": "2026-11-28", "count": 31}],
        "later": 70,
        "undated": 300,
        "price": [
            {"min_cents": 0, "max_cents": 0, "count": 4},
            {"min_cents": 1001, "max_cents": 2000, "count": 408},
        ],
        "duo": [{"value": False, "count": 320}, {"value": True, "count": 92}],
        "digital": [{"value": False, "count": 412}, {"value": True, "count": 0}],
    },
    "text": None,
    "open_now": None,
    "next_cursor": None,
    "notes": [],
}

SEARCH_FEATURES = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "id": "o001234",
            "geometry": {"type": "Point", "coordinates": [5.731, 45.191]},
            "properties": SEARCH["items"][0],
        }
    ],
    **{name: value for name, value in SEARCH.items() if name not in {"items", "bbox"}},
}

MAP = {
    "now": "2026-11-23T12:00:00Z",
    "zoom": 6,
    "cell_deg": 1.40625,
    "total_venues": 41,
    "total_offers": 655,
    "clusters": [
        {
            "lat": 45.187,
            "lon": 5.729,
            "bounds": [5.701, 45.161, 5.778, 45.219],
            "venues": 41,
            "offers": 655,
            "venue_id": None,
            "name": None,
        }
    ],
    "open_now": None,
    "notes": [],
}

MAP_FEATURES = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "bbox": [5.701, 45.161, 5.778, 45.219],
            "geometry": {"type": "Point", "coordinates": [5.729, 45.187]},
            "properties": {"venues": 41, "offers": 655, "venue_id": None, "name": None},
        }
    ],
    **{name: value for name, value in MAP.items() if name != "clusters"},
}

BOOKING = {
    "booking_id": "4711",
    "user_id": "reader",
    "stock_id": "film-tonight",
    "offer_id": "film-tonight",
    "item_id": "film",
    "title": "Film",
    "category": "CINEMA",
    "subcategory": "SEANCE_CINE",
    "venue": {"venue_id": "cinema", "name": "Cinema", "timezone": "Europe/Paris"},
    "quantity": 1,
    "amount_cents": 700,
    "state": "booked",
    "booked_at": "2026-11-23T12:00:00Z",
    "starts_at": "2026-11-28T19:00:00Z",
    "cancellable_until": "2026-11-25T12:00:00Z",
    "collect_by": None,
    "used_at": None,
    "cancelled_at": None,
    "cancel_reason": None,
    "booked_for": "2026-11-28T19:00:00Z",
}

CREDIT = {
    "user_id": "reader",
    "deposit_cents": 50000,
    "left_cents": 37655,
    "spent_cents": 12345,
    "granted_at": "2026-09-14T08:00:00Z",
    "expires_at": "2028-09-14T08:00:00Z",
    "is_over": False,
    "offer_limit_cents": 30000,
    "caps": [
        {"kind": "digital", "cap_cents": 20000, "spent_cents": 5000, "left_cents": 15000},
        {"kind": "physical", "cap_cents": 20000, "spent_cents": 0, "left_cents": 20000},
    ],
}

USER = {
    "user_id": "reader",
    "birth_date": "2008-09-14",
    "home": {"lat": 45.189, "lon": 5.725},
    "granted": True,
    "credit": CREDIT,
}


TASTES = {
    "user_id": "reader",
    "categories": ["CINEMA"],
    "genres": [],
    "items": ["manga"],
    "stated_at": "2026-11-23T12:00:00Z",
}

FAVOURITE = {
    "offer_id": "film-tonight",
    "item_id": "film",
    "title": "Film",
    "category": "CINEMA",
    "kept_at": "2026-11-23T12:00:00Z",
    "offer": FEED["items"][0]
    | {"probability": None, "gain": 0.0, "rank": None}
    | {"reasons": [], "explanation": [], "distance_m": None},
    "elsewhere": None,
}


def shown(model: type, example: object) -> dict[str, Any]:
    """Return how OpenAPI shows an answer: its record and an example."""
    return {"model": model, "content": {"application/json": {"example": example}}}
