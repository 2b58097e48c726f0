"""Examples of answers that OpenAPI shows; a test holds them against the answers' records."""

from typing import Any

FEED = {
    "slate_id": "7d6b8c1e-5f0a-4b0e-9a63-2f3f1c0d9e11",
    "model_version": "als-20261123T060000Z-1f2e3d4c",
    "now": "2026-11-23T12:00:00Z",
    "location_used": {"lat": 45.189, "lon": 5.725, "source": "home"},
    "radius_m": 50000.0,
    "floor": 0.95,
    "relevance_kept": 1.0,
    "items": [
        {
            "offer_id": "o001234",
            "item_id": "i000321",
            "title": "Le silence des marées",
            "category": "SPECTACLE",
            "subcategory": "SPECTACLE_REPRESENTATION",
            "image_url": None,
            "is_digital": False,
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
                }
            ],
            "probability": 0.021,
            "gain": 1.26,
            "reasons": ["first_of_category", "close_to_you"],
        }
    ],
    "horizon": {"points": 65.0, "categories": ["LIVRE"]},
    "next_cursor": None,
    "notes": [],
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


def shown(model: type, example: object) -> dict[str, Any]:
    """Return how OpenAPI shows an answer: its record and an example."""
    return {"model": model, "content": {"application/json": {"example": example}}}
