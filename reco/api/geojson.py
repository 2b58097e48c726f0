"""Answers as GeoJSON (RFC 7946), where it is asked for."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import orjson
from fastapi import Response

from reco.api.json import Json
from reco.search.answer import Cluster, MapAnswer, SearchAnswer, SearchItem

JSON = "application/json"
GEOJSON = "application/geo+json"


class GeoJson(Json):
    """A feature collection."""

    media_type = GEOJSON


def negotiated(
    accept: str | None, answer: Any, collected: Callable[[Any], dict[str, Any]]
) -> Response:
    """Return `answer` as JSON, or as `collected` makes it GeoJSON where that is preferred."""
    wanted = prefers_geojson(accept or "")
    response: Response = GeoJson(collected(answer)) if wanted else Json(answer)
    response.headers["Vary"] = "Accept"
    return response


def prefers_geojson(accept: str) -> bool:
    """Say whether a header Accept prefers GeoJSON to JSON; between equals JSON.

    >>> prefers_geojson("application/geo+json"), prefers_geojson("*/*")
    (True, False)
    >>> prefers_geojson("application/json;q=0.5, application/geo+json;q=0.8")
    True
    >>> prefers_geojson("application/geo+json;q=0.5, application/*;q=0, */*")
    True
    """
    qualities = _qualities(accept)
    # The most specific range counts (RFC 9110, 12.5.1).
    anything = qualities.get("application/*", qualities.get("*/*", 0.0))
    return qualities.get(GEOJSON, 0.0) > qualities.get(JSON, anything)


def _qualities(accept: str) -> dict[str, float]:
    found = {}
    for part in accept.split(","):
        kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip() == "q":
                try:
                    quality = float(value)
                except ValueError:
                    quality = 0.0
        found[kind] = quality
    return found


def items_as_features(answer: SearchAnswer) -> dict[str, Any]:
    """Return the offers as features at their venues; all else stands beside them as members."""
    return _collection(answer, "items", [_offer(item) for item in answer.items])


def clusters_as_features(answer: MapAnswer) -> dict[str, Any]:
    """Return the clusters as features at their centroids."""
    return _collection(answer, "clusters", [_cluster(cluster) for cluster in answer.clusters])


def _collection(answer: Any, listed: str, features: list[dict[str, Any]]) -> dict[str, Any]:
    # `bbox` has a meaning of its own in GeoJSON: that of what is there, not of what was asked.
    names = {field.name for field in fields(answer)} - {listed, "bbox"}
    members = {field.name: getattr(answer, field.name) for field in fields(answer)}
    return {
        "type": "FeatureCollection",
        "features": features,
        **{name: member for name, member in members.items() if name in names},
    }


def _offer(item: SearchItem) -> dict[str, Any]:
    place = None if item.venue is None else [item.venue.lon, item.venue.lat]
    return {
        "type": "Feature",
        "id": item.offer_id,
        "geometry": None if place is None else {"type": "Point", "coordinates": place},
        "properties": {field.name: getattr(item, field.name) for field in fields(item)},
    }


def _cluster(cluster: Cluster) -> dict[str, Any]:
    names = ("venues", "offers", "venue_id", "name")
    return {
        "type": "Feature",
        "bbox": cluster.bounds,
        "geometry": {"type": "Point", "coordinates": [cluster.lon, cluster.lat]},
        "properties": {name: getattr(cluster, name) for name in names},
    }


def shown_as(model: type, example: Any, features: dict[str, Any]) -> dict[str, Any]:
    """Return how OpenAPI shows an answer in both forms."""
    return {
        "model": model,
        "content": {
            JSON: {"example": example},
            GEOJSON: {
                "schema": {"type": "object"},
                "example": orjson.loads(orjson.dumps(features)),
            },
        },
    }
