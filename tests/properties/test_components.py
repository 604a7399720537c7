"""All engines find the components that a union-find finds, whatever the order of the rows."""

from __future__ import annotations

from itertools import pairwise
from typing import get_args

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from cdp_spark.clustering.engines.components import Engine, build_components
from cdp_spark.clustering.engines.graphframes import graphframes_available
from cdp_spark.clustering.engines.labels import label_components

Graph = tuple[list[str], list[tuple[str, str]]]

VERTICES = "record_key string"
EDGES = "record_key_l string, record_key_r string"
STRANGERS = ["?1", "?2"]


def oracle(vertices: list[str], edges: list[tuple[str, str]]) -> dict[str, str]:
    parent = {vertex: vertex for vertex in vertices}

    def find(vertex: str) -> str:
        while parent[vertex] != vertex:
            vertex = parent[vertex]
        return vertex

    for left, right in edges:
        if left in parent and right in parent:
            low, high = sorted((find(left), find(right)))
            parent[high] = low
    return {vertex: find(vertex) for vertex in vertices}


def keys(prefix: str, size: int) -> list[str]:
    """Names whose order differs from the order of creation, so that the smallest is anywhere in a shape."""
    return [f"{prefix}{(index * 7919 + 13) % 10_007:05d}" for index in range(size)]


def chain(prefix: str, size: int) -> Graph:
    names = keys(prefix, size)
    return names, list(pairwise(names))


def star(prefix: str, size: int) -> Graph:
    names = keys(prefix, size)
    return names, [(names[0], name) for name in names[1:]]


def clique(prefix: str, size: int) -> Graph:
    names = keys(prefix, size)
    return names, [(left, right) for left in names for right in names]


def zoo() -> Graph:
    """Every shape at once: chain, star, clique (self loops, both directions), isolated, duplicates, dangling edges."""
    shapes = [chain("a", 40), star("b", 30), clique("c", 6), (["d", "e", "Ünïcode", ""], []), chain("f", 2)]
    vertices = [vertex for names, _ in shapes for vertex in names]
    edges = [edge for _, links in shapes for edge in links]
    return vertices, [*edges, *edges[:20], ("d", "d"), ("d", "?1"), ("?1", "e"), ("?1", "?2")]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    vertices = draw(st.lists(st.sampled_from([f"v{number}" for number in range(25)]), unique=True, max_size=25))
    ends = st.sampled_from([*vertices, *STRANGERS])
    return vertices, draw(st.lists(st.tuples(ends, ends), max_size=40))


def run(spark: SparkSession, graph: Graph, engine: Engine, *, partitions: int = 2) -> dict[str, str]:
    vertices, edges = graph
    found = build_components(
        spark.createDataFrame([(vertex,) for vertex in vertices], VERTICES).repartition(partitions),
        spark.createDataFrame(edges, EDGES).repartition(partitions),
        engine=engine,
    )
    rows = [(row.record_key, row.component) for row in found.components.collect()]
    assert len(rows) == len(set(rows)) == len(vertices)
    return dict(rows)


def skip_without(spark: SparkSession, engine: Engine) -> None:
    if engine == "graphframes" and not graphframes_available(spark):
        pytest.skip("GraphFrames is not on the class path: CDP_GRAPHFRAMES_JAR names no jar")


@given(graph=graphs(), order=st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_local_labels_equal_the_oracle_in_any_order(graph: Graph, order: object) -> None:
    vertices, edges = graph
    shuffled_vertices, shuffled_edges = list(vertices), list(edges)
    order.shuffle(shuffled_vertices)  # type: ignore[attr-defined]
    order.shuffle(shuffled_edges)  # type: ignore[attr-defined]
    ends = pa.table(
        {
            "record_key_l": pa.array([left for left, _ in shuffled_edges], pa.string()),
            "record_key_r": pa.array([right for _, right in shuffled_edges], pa.string()),
        }
    )
    keys = pa.chunked_array([pa.array(shuffled_vertices, pa.string())])
    found = label_components(keys, keys, ends)
    assert dict(zip(*found.to_pydict().values(), strict=True)) == oracle(vertices, edges)


@pytest.mark.parametrize("engine", get_args(Engine))
def test_every_engine_finds_the_components_of_every_shape(spark: SparkSession, engine: Engine) -> None:
    skip_without(spark, engine)
    vertices, edges = zoo()
    expected = oracle(vertices, edges)
    assert run(spark, (vertices, edges), engine, partitions=1) == expected
    assert run(spark, (vertices[::-1], edges[::-1]), engine, partitions=3) == expected


@pytest.mark.parametrize("engine", get_args(Engine))
@pytest.mark.parametrize("graph", [([], []), (["a"], []), ([], [("a", "b")]), (["a"], [("a", "a")])])
def test_every_engine_takes_empty_graphs(spark: SparkSession, engine: Engine, graph: Graph) -> None:
    skip_without(spark, engine)
    assert run(spark, graph, engine) == oracle(*graph)


@pytest.mark.parametrize("engine", get_args(Engine))
@given(batch=st.lists(graphs(), min_size=8, max_size=8))
@settings(max_examples=2, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_engine_equals_the_oracle_on_random_graphs(
    spark: SparkSession, engine: Engine, batch: list[Graph]
) -> None:
    skip_without(spark, engine)
    vertices = [f"{number}/{vertex}" for number, (names, _) in enumerate(batch) for vertex in names]
    edges = [
        (f"{number}/{left}", f"{number}/{right}") for number, (_, links) in enumerate(batch) for left, right in links
    ]
    assert run(spark, (vertices, edges), engine) == oracle(vertices, edges)
