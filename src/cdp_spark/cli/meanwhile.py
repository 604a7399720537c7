"""Imports that take a second, made while Spark starts."""

from __future__ import annotations

import contextlib
from importlib import import_module
from threading import Thread


def import_meanwhile(*modules: str) -> None:
    """Import modules on a thread of its own; a later import of one waits until it is there, or raises what it raised.

    Args:
        modules: none may import a module that is imported meanwhile and imports it in turn.
    """
    Thread(target=_import_all, args=[modules], daemon=True).start()


def _import_all(modules: tuple[str, ...]) -> None:
    with contextlib.suppress(Exception):  # the import that needs it will raise it again, where it can be told
        for module in modules:
            import_module(module)
