"""Who is on the list is found in whatever spelling a row has."""

import pytest

from cdp_spark.config.source import SourceConfig
from cdp_spark.ingest.suppression.hashing import keyed_hash
from cdp_spark.ingest.suppression.listed import Listed, SuppressionList
from cdp_spark.normalise.identifiers import searched_identifiers

KEY = b"0123456789abcdef"
SOURCE = SourceConfig.model_validate_json(
    '{"name": "crm", "kind": "records", "format": "csv", "path": "x.csv", "key": ["id"],'
    ' "columns": {"email": "mail", "phone": "tel", "national_id": "tax"}, "identifiers": {"loyalty_id": "card"}}'
)


def _listed(kind: str, value: str) -> Listed:
    pairs = searched_identifiers(kind, value, region="DE")
    hashes = frozenset(keyed_hash(*pair, key=KEY) for pair in pairs)
    return Listed(SuppressionList(KEY, hashes, frozenset(kind for kind, _ in pairs)), "DE", SOURCE)


@pytest.mark.parametrize(
    ("kind", "value", "column", "delivered"),
    [
        ("email", "ann.lee@gmail.com", "mail", "AnnLee+shop@googlemail.com"),
        ("email", "ann@x.org", "mail", "mailto:ann@x.org"),
        ("email", "ann@x.org", "mail", '"Lee, Ann" <ANN@X.ORG>'),
        ("email", "ann@x.org", "mail", "bob@y.org; ann@x.org."),
        ("phone", "+49 30 1234567", "tel", "030/1234567"),
        ("national_id", "DE 129-457-780", "tax", "de129457780"),
        ("loyalty_id", "ab 12-34", "card", "AB1234"),
    ],
)
def test_another_spelling_is_the_same(kind: str, value: str, column: str, delivered: str) -> None:
    listed = _listed(kind, value)
    assert listed.is_listed({"id": "1", column: delivered}, None)
    assert not listed.is_listed({"id": "2", column: "somebody.else@z.org"}, None)
