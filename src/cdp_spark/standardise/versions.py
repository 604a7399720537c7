"""Which delivered version of a record is the current one.

Of a source whose newest full delivery is known, what that holds is current; records that are gone are not. Of any other
source a record's newest version is: by observed time, then load time, then content hash.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c

if TYPE_CHECKING:
    from collections.abc import Collection

VERSION = (c.SOURCE, c.SOURCE_RECORD_ID, c.CONTENT_HASH)
"""The columns that identify a delivered version."""
DATED_VERSION = (*VERSION, c.RECORD_KEY, c.OBSERVED_AT, c.INGESTED_AT)
"""What has to be known of versions to tell which is current."""


def find_outdated_versions(versions: pa.Table, snapshots: pa.Table, *, replaced: Collection[str]) -> pa.Table:
    """List the versions that are not the current one of their record.

    Args:
        versions: one row per delivered version, with `DATED_VERSION`; all versions of a record.
        snapshots: one row per record of a source's newest full delivery, with `VERSION`.
        replaced: sources whose newest full delivery is in `snapshots`.
    Returns: one row per `VERSION`, in no order.
    """
    is_replaced = pc.is_in(versions[c.SOURCE], value_set=pa.array(sorted(replaced), pa.string()))
    delivered_whole = versions.filter(is_replaced).select(list(VERSION))
    gone = delivered_whole.join(snapshots.select(list(VERSION)), keys=list(VERSION), join_type="left anti")
    older = _find_older(versions.filter(pc.invert(is_replaced)))
    return pa.concat_tables([older, gone.cast(older.schema)])


def _find_older(versions: pa.Table) -> pa.Table:
    """Find all versions of each record but the newest; most records have one, and are not sorted."""
    counted = versions[c.RECORD_KEY].value_counts()
    repeated = counted.field("values").filter(pc.greater(counted.field("counts"), 1))
    several = versions.filter(pc.is_in(versions[c.RECORD_KEY], value_set=repeated))
    age = (c.OBSERVED_AT, c.INGESTED_AT, c.CONTENT_HASH)
    newest_first = several.sort_by([(c.RECORD_KEY, "ascending"), *((name, "descending") for name in age)])
    keys = newest_first[c.RECORD_KEY].to_numpy()
    is_older = np.concatenate([[False], keys[1:] == keys[:-1]]) if len(keys) else np.zeros(0, bool)
    return newest_first.filter(pa.array(is_older)).select(list(VERSION))
