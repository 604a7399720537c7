"""Every size that decides where something runs, with its reason."""

from __future__ import annotations

import os
from pathlib import Path

IN_PROCESS_RECORDS = 2_000_000
"""Records that `cdp resolve` matches in this process at most: it works on one core, Spark on all."""
IN_PROCESS_RECORD_BYTES = 5_000
"""Memory that a record takes in this process: 500,000 people with ten columns took 1.6 GB at their peak."""
IN_PROCESS_TEXT_SHARE = 1 / 12
"""Share of the memory that the texts of files may take in this process: what is made of them takes more."""
EVERY_PAIR_RECORDS = 500
"""Records of which `cdp resolve` compares every two: a second's work. Blocking rules would miss some pairs."""
INGEST_IN_PROCESS_BYTES = 250_000_000
"""Bytes of files that ingest reads into the driver: a million records, which take it some ten seconds and 1 GB."""
OUTDATED_IN_PROCESS_VERSIONS = 2_000_000
"""Versions of records that standardise reads into the driver to find the current ones: 400 MB and three seconds."""
READ_BY_DRIVER_BYTES = 1_000_000
"""Bytes of a table's files that the driver reads for Spark: milliseconds, where Spark takes a second to list them."""
SMALL_TABLE_BYTES, SMALL_FILE_BYTES = 150_000_000, 20_000_000
"""Bytes of tables, and of sources' files, up to which a run does without code generation: about three times those of
the demo's 5,000 people, of whom it is known to be faster. Where it ceases to be so was not timed."""
DATES_ON_DRIVER = 10_000_000
"""Rows of which the driver reads a column of dates or times: 80 MB and half a second."""
IDENTITY_ON_DRIVER_RECORDS = 5_000_000
"""Records whose clusters and ids the driver holds to decide which ids are contested: about 500 MB and 3 s a million."""
CONTESTED_ON_DRIVER_RECORDS = 200_000
"""Contested records that the driver decides on, one after the other: a few seconds."""
IDENTITY_TASK_RECORDS = 50_000
"""Records on which one task of Spark decides: about a second, where all of them are contested."""
MOVED_KEYS_ON_DRIVER_RECORDS = 1_000_000
"""Records that left, and that came, of which the driver compares names and contacts; about 1 kB each."""
LINE_CHARACTERS = 64_000_000
"""Characters of a line of delimited text from which the file is no table, or packed to exhaust memory."""
PART_BYTES = 64_000_000
"""Bytes of a file of lines that one task reads: seconds of work, beside which starting the task is nothing."""
ASSIGNED_ON_DRIVER = 1_000_000
"""Profiles whose arms the driver draws: 13 s for an experiment that all take part in, then a second a run."""
EVENTS_ON_DRIVER = 2_000_000
"""Events that the driver scores people by and makes offers of, in some ten seconds and 1 GB; of more all cores do."""
EVENT_BYTES_ON_DRIVER = 500_000_000
"""Bytes of the files that hold them: a million clicks and orders have 150 MB, and take a gigabyte or two of memory."""
SPANS_ON_DRIVER = 3_000_000
"""Spans of traits that the driver carries on by a run, at some 200 bytes each."""
COMPARED_ON_DRIVER = 300_000
"""Rows of two versions of a table that the driver compares, value by value: three seconds. Of more Spark does."""
KEYED_ON_DRIVER = 5_000_000
"""Rows of two versions of a table that the driver compares, column by column, each found by its key: a second a
million, at some 200 bytes each."""
SNAPSHOTS_ON_DRIVER = 300_000
"""People's snapshots that a score is learned from: half a minute. Of more people some are left out."""
GROUP_ROWS = 20_000
"""Rows that a task of Spark takes to the rules at once: some megabytes, and enough to make up for the way there."""

KEYS_ON_DRIVER = 50_000_000
"""Blocking keys of 8 bytes that the driver sorts, in a tenth of the time that a shuffle takes."""
SHARED_KEYS = 5_000_000
"""Keys that lead to pairs; of more all travel: the filter would not fit a task's memory."""
CHANGES_ON_DRIVER = 2_000_000
"""Changed records of a run that the driver holds, at some 400 bytes each with their keys; more, and the run is full."""
MAX_CHANGED_SHARE = 0.3
"""Share of the records; where more changed it is cheaper to compare and cluster all."""
REWRITE_SHARE = 0.2
"""Share of the records; where more were compared anew since the tables were written, they are written anew."""
RECORDS_FETCHED = 300_000
"""Records that the driver fetches to compare; more are picked out by Spark, each where it is read."""
PAIRS_COMPARED = 2_000_000
"""Pairs inside blocks, of which a third may be different ones, that the driver compares; of more all cores do."""

RECORDS_CLUSTERED, PAIRS_CLUSTERED = 200_000, 500_000
"""What the driver clusters in a few seconds, on one core; of more each core of a cluster should have its share."""
CLUSTERS_ON_DRIVER = 5_000_000
"""Records whose clusters the driver holds, at about 100 bytes each."""
IDENTIFIERS_ON_DRIVER = 3_000_000
"""Identifiers of which the driver compares two runs, at some 500 bytes each while it does."""
COMPONENTS_BROADCAST = 3_000_000
"""Records whose components are sent to every task, at about 100 bytes each, so that pairs stay in place."""
CLOCK_AHEAD_DAYS = 31
"""Days that a run's clock may be ahead of this machine's: a wrong year or month is further."""
BROADCAST_ROWS = 500_000
"""Keys that every task may hold; Spark's own limit of 10 MB would shuffle a large table for a few ten thousand."""
GATHERED_ROWS = 100_000
"""Rows that one task works on in less time than a shuffle takes to plan and to start."""
SEGMENT_CHAIN = 100
"""References in a row, from segment to segment: each is a step of one plan, and Spark plans by recursion."""
EVENTS_A_PROFILE = 50_000
"""Events of a profile that insights look at, the newest: one task takes all of them, and only bots have more."""
TOUCHES_A_CONVERSION = 50
"""Sessions before a conversion that can have a share of it, the last ones: a bot's purchases times its sessions would
fill a task."""
CHANNELS_APART = 100
"""Channels whose removal effects are worked out, the most frequent: each solves a system of as many equations."""
MIN_OUTCOMES = 10
"""People with an outcome, and units, of an arm: below, the normal distribution is a poor one for a rate."""
MISMATCH_P = 0.001
"""Below it an experiment's arms are not what chance makes of their shares (Fabijan et al. 2019, KDD)."""
DELIVERY_CHUNK_ROWS = 1_000
"""Rows of a destination that are recorded together, before they are sent and after: two writes of some 20 ms."""
DELIVERY_MESSAGE_ROWS = 10_000
"""Rows that one message of a chat counts."""
_UNKNOWN_MEMORY = 4 * 2**30


def in_process_records() -> int:
    """Return how many records `cdp resolve` may match in this process."""
    return min(IN_PROCESS_RECORDS, memory_bytes() // IN_PROCESS_RECORD_BYTES)


def in_process_text_bytes() -> int:
    """Return how many bytes of texts `cdp resolve` may hold in this process."""
    return int(memory_bytes() * IN_PROCESS_TEXT_SHARE)


def memory_bytes() -> int:
    """Return this machine's memory, or what a limit on the process leaves of it."""
    try:
        whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # not a POSIX system
        return _UNKNOWN_MEMORY
    return min([whole, *_process_limits()])


def _process_limits() -> list[int]:
    """Limits of the process's address space and of its control group, those that are set."""
    import resource  # noqa: PLC0415 - POSIX only

    found = [] if (soft := resource.getrlimit(resource.RLIMIT_AS)[0]) == resource.RLIM_INFINITY else [soft]
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            text = Path(path).read_text(encoding="ascii").strip()
        except OSError:
            continue
        found += [int(text)] if text.isdecimal() else []
    return found
