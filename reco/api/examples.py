"""Examples that OpenAPI shows."""

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
