"""What people said about pairs, and which of it is in force."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c

MUST_LINK, CANNOT_LINK, WITHDRAWN = "must_link", "cannot_link", "withdrawn"
CERTAIN = 12.0
"""Bits of a pair that joins first."""
_NAMES = [c.RECORD_KEY_L, c.RECORD_KEY_R, c.LABEL]


def keep_current_labels(labels: pa.Table) -> pa.Table:
    """Keep the newest label of each pair, but for those withdrawn: record_key_l, record_key_r, label.

    Of labels of one pair at one time the first by name counts.
    """
    order = [(c.RECORD_KEY_L, "ascending"), (c.RECORD_KEY_R, "ascending"), (c.AT, "descending"), (c.LABEL, "ascending")]
    newest = labels.sort_by(order).group_by(_NAMES[:2], use_threads=False).aggregate([(c.LABEL, "first")])
    newest = newest.rename_columns(_NAMES)
    return newest.filter(pc.not_equal(newest[c.LABEL], WITHDRAWN))
