"""Imports that take a second, made while Spark starts."""

from __future__ import annotations

from threading import Thread

from cdp_spark.session.workers import import_each


def import_meanwhile(*modules: str) -> None:
    """Import modules on a thread of its own; a later import of one waits until it is there, or raises what it raised.

    Args:
        modules: none may import a module that is imported meanwhile and imports it in turn.
    """
    Thread(target=import_each, args=[modules], daemon=True).start()
