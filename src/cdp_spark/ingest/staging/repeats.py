"""Accepted rows that are not stored because another row of the delivery has their identity.

1. Accepted rows are grouped by what identifies them within their source, with the number of contents of each group.
2. Of several equal rows one is stored: the others are duplicates.
3. Of several rows with one identity and different contents one is stored, or, of records, is current: the others are
   conflicts. A conflict of events or consents is a duplicate, too; that of records is stored as a version of its own.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.ingest.staging.facts import CONFLICT, DUPLICATE, FACTS

GROUP_ROWS, GROUP_CONTENTS = "group_rows", "group_contents"
IDENTITY = (c.SOURCE, c.KIND, c.KEY, c.AT, c.PURPOSE, c.STATUS)
"""Staged columns that identify a row; the time of an event does not, and purpose and status only consents have."""


def count_repeats(staged: pa.Table) -> pa.Table:
    """Count duplicates and conflicts by source.

    Returns: the columns of `FACTS`.
    """
    accepted = staged.select([*IDENTITY, c.CONTENT_HASH]).filter(pc.is_null(staged[c.REASON]))
    at = pc.if_else(pc.equal(accepted[c.KIND], "events"), pa.scalar(None, accepted[c.AT].type), accepted[c.AT])
    dated = accepted.set_column(accepted.column_names.index(c.AT), c.AT, at)
    groups = dated.group_by(list(IDENTITY)).aggregate([([], "count_all"), (c.CONTENT_HASH, "count_distinct")])
    sums = [("count_all", "sum"), (f"{c.CONTENT_HASH}_count_distinct", "sum"), ([], "count_all")]
    totals = groups.group_by([c.SOURCE, c.KIND]).aggregate(sums)
    return repeat_facts(totals.rename_columns([c.SOURCE, c.KIND, GROUP_ROWS, GROUP_CONTENTS, c.ROWS]))


def repeat_facts(totals: pa.Table) -> pa.Table:
    """Tell duplicates and conflicts from the groups of each source.

    Args:
        totals: source, kind, the rows of all groups, their contents, and `rows`, the number of groups.
    Returns: the columns of `FACTS`.
    """
    rows: list[dict[str, object]] = []
    for total in totals.to_pylist():
        stored = total[GROUP_CONTENTS] if total[c.KIND] == "records" else total[c.ROWS]
        found = {DUPLICATE: total[GROUP_ROWS] - stored, CONFLICT: total[GROUP_CONTENTS] - total[c.ROWS]}
        rows += [{c.SOURCE: total[c.SOURCE], c.FACT: fact, c.NAME: "", c.ROWS: count} for fact, count in found.items()]
    return pa.Table.from_pylist(rows, FACTS)
