"""What our sessions ask of the server's planner: plans that rest on keys, whatever the statistics say."""

from __future__ import annotations

PLANNING = {
    # Prepared once, planned once: the values of the parameters never make another plan a better one.
    "plan_cache_mode": "force_generic_plan",
    # A plan that was made while a table was small is used when it is large, so no table is read whole, nor is one
    # hashed or merged: a statement looks its rows up by an index.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    # A plan costs what it touches of rows. While a table is small, the pages and the height of its indexes would
    # choose among them by chance, and with costs of zero an index of more of the keys is never the dearer one.
    "random_page_cost": "0",
    "seq_page_cost": "0",
    "cpu_operator_cost": "0",
    # What cannot but read a staging table whole looks so expensive that it would be compiled first.
    "jit": "off",
}
"""Settings of PostgreSQL by name. The tables do their part: of the indexes of one, all but the primary key have a
condition that only the statements meet that shall use them (see `metacore.postgres.tables`).
"""

_OF_CLUSTERS = PLANNING | {"plan_cache_mode": "auto"}
"""The same for a Citus cluster: only the values of the parameters tell the coordinator which server to ask."""


def planning(is_cluster: bool) -> dict[str, str]:
    """What is asked of the planner of a server or a cluster."""
    return _OF_CLUSTERS if is_cluster else PLANNING
