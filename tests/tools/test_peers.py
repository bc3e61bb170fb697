"""The benchmark against peers, in a small size: of what is installed for tests."""

import json
from xml.etree import ElementTree

from peers.__main__ import PEERS, installed, measured
from peers.charts import draw
from peers.report import TITLES, as_json, table
from peers.size import SIZES


def test_every_contest_runs_and_is_reported(metacore_database_url: str) -> None:
    groups = measured(metacore_database_url, SIZES["small"], list(TITLES), list(PEERS), workers=1, latency=0)
    assert [group[0].work for group in groups] == list(TITLES)
    assert {measure.peer for group in groups for measure in group} == installed().keys()
    document = json.loads(json.dumps(as_json({"workers": 2}, groups)))
    assert all(row["seconds"] > 0 for row in document["measures"])
    assert all(title in table("small", groups) for title in TITLES.values())
    assert ElementTree.fromstring(draw("small", groups)).tag.endswith("svg")


def test_a_contest_may_be_held_at_a_distance(metacore_database_url: str) -> None:
    [far] = measured(metacore_database_url, SIZES["small"], ["get"], ["metacore"], workers=1, latency=20)
    assert min(far[0].seconds) >= 0.02
