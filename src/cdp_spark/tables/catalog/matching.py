"""Matching: models, scored pairs, labels, clusters and cuts."""

from __future__ import annotations

from cdp_spark.tables.spec import TableKind, TableSpec, columns

MATCH_MODELS = TableSpec(
    name="match_models",
    grain="a model version",
    schema=columns(
        entity_type="string!",
        model_version="int!",
        config_hash="string!",
        created_at_utc="timestamp!",
        run_id="string",
        model_json="string!",
    ),
    keys=("entity_type", "model_version"),
    kind=TableKind.APPEND,
)

MATCH_INPUTS = TableSpec(
    name="match_inputs",
    grain="a record as matching compared it: a hash of what was read, and its blocking keys, 8 bytes each",
    schema=columns(
        record_key="string!",
        entity_type="string!",
        model_version="int!",
        ordinal="long!",
        input_hash="long!",
        block_keys="binary!",
    ),
    keys=("record_key",),
    kind=TableKind.BATCH,
    dated_by=("record_key",),
)

PAIR_SCORES = TableSpec(
    name="pair_scores",
    grain="a scored pair with rule mask and levels: one hexadecimal digit a comparison, in the model's order",
    schema=columns(
        record_key_l="string!",
        record_key_r="string!",
        model_version="int!",
        ordinal="long!",
        entity_type="string!",
        rule_mask="long!",
        levels="string!",
        weight_log2="double!",
        deterministic="boolean!",
    ),
    keys=("record_key_l", "record_key_r", "model_version"),
    kind=TableKind.BATCH,
    constraints={"ordered_pair": "record_key_l < record_key_r"},
    dated_by=("record_key_l", "record_key_r"),
)

OUTDATED_RECORDS = TableSpec(
    name="outdated_records",
    grain="a record that was compared anew in a run, or was gone; rows about it that earlier runs wrote do not count",
    schema=columns(record_key="string!", ordinal="long!", entity_type="string!"),
    keys=("record_key", "ordinal"),
    kind=TableKind.BATCH,
)

TOUCHED_RECORDS = TableSpec(
    name="touched_records",
    grain="a record that a stage worked on anew in a run; without a record_key: all of them",
    schema=columns(ordinal="long!", stage="string!", entity_type="string!", record_key="string"),
    keys=("ordinal", "stage", "entity_type", "record_key"),
    kind=TableKind.BATCH,
)

LABELS = TableSpec(
    name="labels",
    grain="a must-link or cannot-link, or its withdrawal, with author, reason, time",
    schema=columns(
        record_key_l="string!",
        record_key_r="string!",
        at_utc="timestamp!",
        label="string!",
        author="string!",
        reason="string",
    ),
    keys=("record_key_l", "record_key_r", "at_utc"),
    kind=TableKind.APPEND,
    constraints={
        "known_label": "label IN ('must_link', 'cannot_link', 'withdrawn')",
        "ordered_pair": "record_key_l < record_key_r",
    },
)

CLUSTERS = TableSpec(
    name="clusters",
    grain="a record's component and refined cluster",
    schema=columns(
        record_key="string!",
        entity_type="string!",
        component="string!",
        cluster="string!",
    ),
    keys=("record_key",),
    kind=TableKind.BATCH,
)

CUTS = TableSpec(
    name="cuts",
    grain="an edge not used, with the reason",
    schema=columns(
        record_key_l="string!",
        record_key_r="string!",
        run_id="string!",
        entity_type="string!",
        weight_log2="double",
        reason="string!",
        identifier_type="string",
    ),
    keys=("record_key_l", "record_key_r", "run_id"),
    kind=TableKind.BATCH,
)
