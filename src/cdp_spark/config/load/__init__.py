"""YAML files to checked models."""

from cdp_spark.config.load.project import config_hash, load_project
from cdp_spark.config.load.sections import load_match, load_section

__all__ = ["config_hash", "load_match", "load_project", "load_section"]
