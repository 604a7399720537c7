"""Calls of the command line on a shop."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.matched_shop import Shop
from typer.testing import CliRunner

from cdp_spark.cli.main import app
from cdp_spark.errors import CdpError


class Calls:
    """Calls of the command line on the shop."""

    def __init__(self, shop: Shop) -> None:
        self._folder = shop.folder

    def text(self, *arguments: object) -> str:
        done = CliRunner().invoke(app, ["--project", str(self._folder), *map(str, arguments)], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    def json(self, *arguments: object) -> Any:
        return json.loads(self.text(*arguments, "--json"))

    def error(self, *arguments: object) -> CdpError:
        with pytest.raises(CdpError) as raised:
            self.text(*arguments)
        return raised.value
