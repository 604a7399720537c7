"""The words of the tables that identity reads and writes, and the identifiers that tell who a cluster is."""

from __future__ import annotations

from cdp_spark import columns as c

ACCOUNT, VISITOR = "account", "visitor"
STRONG_TYPES = (c.EMAIL, c.PHONE, c.NATIONAL_ID, c.USER_ID, c.LOYALTY_ID)

LIVE = "live"
MERGED_STATUS, CLOSED_STATUS = "merged", "closed"
"""Status of an id that records bear, and of the others of `id_registry`."""

CREATED, ABSORBED, MOVED, MERGED, SPLIT = "created", "absorbed", "moved", "merged", "split"
RESURRECTED, REMOVED, ERASED = "resurrected", "removed", "erased"

NEW_RECORD, REMOVED_RECORD, MOVED_KEY = "new_record", "removed_record", "moved_key"
CHANGED_VALUE, LABEL, LIMIT, MODEL, ERASURE = "changed_value", "label", "limit", "model", "erasure"
CAUSES = (LABEL, LIMIT, NEW_RECORD, CHANGED_VALUE, ERASURE, REMOVED_RECORD, MODEL)
"""Of several causes the first in this order is named; `model` where nothing that is nearer explains a change."""

LIMIT_REASONS = ("unique_value", "unique_source", "large_component", "max_people", "max_per_person")
"""Why a limit kept two records of `cuts` apart."""
VALUE_REASONS = ("contradicted", "shared")
"""Why a value that joins records is not used; `identity_issues` names the clusters that it would have joined."""
TOO_LARGE = "max_cluster_records"
"""Why a cluster of `identity_issues` is held."""
EXAMPLES_AN_ISSUE = 5
"""Record keys that a row of `identity_issues` names, the smallest."""
