"""New ids: a function of the run and of the cluster's first record, so that a run that is repeated issues the same."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c

if TYPE_CHECKING:
    from pyspark.sql import Column


def uuid5_expr(namespace: uuid.UUID, name: Column) -> Column:
    """RFC 4122 version 5 of a UTF-8 name, the same as Python's `uuid.uuid5`; null for null."""
    digest = F.sha1(F.concat(F.unhex(F.lit(namespace.hex)), F.encode(name, "UTF-8")))
    variant = F.translate(F.substring(digest, 17, 1), "0123456789abcdef", "89ab" * 4)
    parts = (
        F.substring(digest, 1, 8),
        F.substring(digest, 9, 4),
        F.concat(F.lit("5"), F.substring(digest, 14, 3)),
        F.concat(variant, F.substring(digest, 18, 3)),
        F.substring(digest, 21, 12),
    )
    return F.concat(parts[0], *[F.concat(F.lit("-"), part) for part in parts[1:]])


@dataclass(frozen=True)
class Issuer:
    """Issues new ids.

    Args:
        namespace: of the project; never changes.
        ordinal: of the run that issues them.
    """

    namespace: uuid.UUID
    ordinal: int

    def new_id(self, first_key: str) -> str:
        """UUIDv5 of the namespace and the name `<ordinal>:<smallest record key>`, such as `1:00ab…`."""
        return str(uuid.uuid5(self.namespace, f"{self.ordinal}:{first_key}"))

    def new_id_expr(self) -> Column:
        """The same of the column `first_key`."""
        return uuid5_expr(self.namespace, F.concat(F.lit(f"{self.ordinal}:"), F.col(c.FIRST_KEY)))
