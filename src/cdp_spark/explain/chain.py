"""The strongest chain of pairs between two records."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Link:
    """A pair that holds two records together.

    Args:
        left: a record.
        right: another one.
        weight_log2: bits; infinite for a pair that is certain.
    """

    left: str
    right: str
    weight_log2: float = float("inf")


def strongest_chain(links: Iterable[Link], start: str, end: str) -> tuple[Link, ...]:
    """The chain between two records whose weakest link is the strongest, each link in walking direction.

    Links are taken from the strongest on, one for each two parts that it connects, until start and end hang together;
    the way through that tree is the chain (Hu 1961). Empty where there is none.
    """
    if start == end:
        return ()
    part: dict[str, str] = {}
    tree: dict[str, list[Link]] = {}
    for link in sorted(links, key=lambda it: (-it.weight_log2, it.left, it.right)):
        root_l, root_r = _root(part, link.left), _root(part, link.right)
        if root_l == root_r:
            continue
        part[root_l] = root_r
        tree.setdefault(link.left, []).append(link)
        tree.setdefault(link.right, []).append(Link(link.right, link.left, link.weight_log2))
        if _root(part, start) == _root(part, end):
            return _walk(tree, start, end)
    return ()


def _root(part: dict[str, str], record: str) -> str:
    while (above := part.get(record, record)) != record:
        part[record] = part.get(above, above)
        record = above
    return record


def _walk(tree: dict[str, list[Link]], start: str, end: str) -> tuple[Link, ...]:
    came_by: dict[str, Link] = {}
    waiting = deque([start])
    while end not in came_by:
        record = waiting.popleft()
        for link in tree.get(record, []):
            if link.right != start and link.right not in came_by:
                came_by[link.right] = Link(record, link.right, link.weight_log2)
                waiting.append(link.right)
    chain = [came_by[end]]
    while chain[-1].left != start:
        chain.append(came_by[chain[-1].left])
    return tuple(reversed(chain))
