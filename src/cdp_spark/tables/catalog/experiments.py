"""Experiments: who is in which arm, and what the arms came to."""

from __future__ import annotations

from cdp_spark.tables.spec import TableKind, TableSpec, columns

EXPERIMENT_ASSIGNMENTS = TableSpec(
    name="experiment_assignments",
    grain="the arm of an experiment, or of the global hold-out, that a profile is in",
    schema=columns(
        experiment="string!",
        unified_id="string!",
        arm="string!",
        unit_id="string!",
        assigned_at_utc="timestamp!",
        release="long!",
        origin="string!",
        split="string!",
        ended_at_utc="timestamp",
        end_reason="string",
    ),
    keys=("experiment", "unified_id"),
    kind=TableKind.GOLD,
    constraints={
        "known_origin": "origin IN ('drawn', 'imported')",
        "known_end_reason": "end_reason IS NULL OR end_reason IN ('merged', 'closed', 'dropped')",
    },
)

EXPERIMENT_RESULTS = TableSpec(
    name="experiment_results",
    grain="what an arm of an experiment came to, beside control",
    schema=columns(
        experiment="string!",
        arm="string!",
        kind="string!",
        people="long!",
        people_done="long!",
        units="long!",
        expected_units="double!",
        converted="long!",
        outcome="double!",
        mean="double",
        status="string!",
        difference="double",
        difference_low="double",
        difference_high="double",
        lift="double",
        lift_low="double",
        lift_high="double",
        sample_ratio_p="double",
        is_final="boolean!",
    ),
    keys=("experiment", "arm"),
    kind=TableKind.GOLD,
    constraints={
        "known_kind": "kind IN ('rate', 'value')",
        "known_status": "status IN ('control', 'measured', 'too_few')",
    },
)
