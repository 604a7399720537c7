"""One reader for a source's files: bytes in, Arrow batches of text out; plain Python, with Spark around it or without.

`open_source` lists the files, checks their first lines and says which columns they declare; `Reading.batches` then
reads them. A row that cannot be read is passed on with its text and the reason.
"""

from cdp_spark.ingest.reading.batch import MAX_ROWS, ReadBatch, Reading
from cdp_spark.ingest.reading.open import open_files, open_source

__all__ = ["MAX_ROWS", "ReadBatch", "Reading", "open_files", "open_source"]
