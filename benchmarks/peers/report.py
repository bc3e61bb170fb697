"""What came of the contests: a table to read, JSON to keep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .contest import Measure

TITLES = {
    "get": "get of an order",
    "create": "create of an order",
    "list_1000": "list of 1,000 orders",
    "first_page": "page 1 of orders",
    "last_page": "page 1,000 of orders",
    "bulk": "a trade of 100,000 at once",
    "place": "place an order",
    "deposit": "deposit",
    "fill": "one fill",
    "fills_wide": "a fill of 1,000, of 1,000 orders",
    "fills_narrow": "a fill of 1,000, of one order",
    "fills_of_users": "a fill of 1,000, of 100 users",
    "record_save": "save of an order record",
    "record_get": "get of an order record",
    "reserve": "reserve",
    "reserve_batch": "a reservation of 1,000",
    "reserve_and_post": "reserve, and post to another",
    "transfer": "transfer between two",
}


Ratios = tuple[float, float, float]


def compared(measures: Sequence[Measure]) -> list[tuple[Measure, Ratios | None]]:
    """Each with how many times as fast as it Metacore was; None for Metacore itself, and where it took no part."""
    bases = {measure.peer: measure for measure in measures if measure.peer == measure.against}
    others = [None if measure.peer in bases else bases.get(measure.against) for measure in measures]
    pairs = zip(measures, others, strict=True)
    return [(measure, None if base is None else measure.ratios(base)) for measure, base in pairs]


def table(title: str, groups: Sequence[Sequence[Measure]]) -> str:
    lines = [
        title,
        "",
        "| Work | By | Microseconds | Quartiles | Metacore is faster by | Quartiles |",
        "|---|---|---|---|---|---|",
    ]
    for measures in groups:
        for measure, ratios in compared(measures):
            low, high = (1e6 * seconds for seconds in measure.quartiles())
            gain = "| |" if ratios is None else f"{ratios[1]:.2f} | {ratios[0]:.2f} to {ratios[2]:.2f} |"
            work = TITLES[measure.work]
            lines.append(
                f"| {work} | {measure.peer} | {1e6 * measure.median:,.1f} | {low:,.1f} to {high:,.1f} | {gain}"
            )
    return "\n".join(lines)


def as_json(facts: dict[str, Any], groups: Sequence[Sequence[Measure]]) -> dict[str, Any]:
    return {
        **facts,
        "measures": [
            {
                "work": measure.work,
                "peer": measure.peer,
                "seconds": measure.median,
                "quartiles": measure.quartiles(),
                "metacore_is_faster_by": ratios and ratios[1],
                "its_quartiles": ratios and (ratios[0], ratios[2]),
                "rounds": measure.seconds,
            }
            for measures in groups
            for measure, ratios in compared(measures)
        ],
    }
