"""The Ray engine on a cluster of two nodes on one machine; a worker and a node are killed half way."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from dataclasses import replace

import pytest
from tests.batch import conversions
from tests.batch.trees import tree

from calotype.batch.finding import Kind
from calotype.batch.outcomes import DONE, UP_TO_DATE
from calotype.batch.planning import Request, plan
from calotype.errors import ExtraMissing

FILES = 24


def test_without_ray_the_message_is_the_command(monkeypatch):
    from calotype.batch import cluster

    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(ExtraMissing, match=r"pip install 'calotype\[ray\]'") as caught:
        cluster.engine()
    assert caught.value.exit_code == 6


@pytest.mark.long
def test_a_worker_and_a_node_that_die_lose_nothing(tmp_path, monkeypatch):
    """Every output is there once and whole, the manifest knows each, and the next run has nothing to do."""
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    from calotype.batch import cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    source = tmp_path / "in"
    source.mkdir()
    for number in range(FILES):
        (source / f"{number:02}.in").write_bytes(f"file {number}".encode())
    request = Request(
        verb="encode",
        sources=[str(source)],
        output=str(tmp_path / "out"),
        settings={"sleep_s": 0.2},
        kind=Kind(lambda head: False, (".in",)),
        convert=conversions.turned,
        suffix=".out",
    )
    nodes = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False},
    )
    second = nodes.add_node(num_cpus=1, object_store_memory=80 * 2**20)
    try:
        path = os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")])  # noqa: PTH109
        ray.init(address=nodes.address, runtime_env={"env_vars": {"PYTHONPATH": path}}, log_to_driver=False)
        outcomes, deaths = [], 0
        with plan(request) as run, closing(run.do(cluster.engine())) as work:
            for outcome in work:
                outcomes.append(outcome)
                if len(outcomes) == 5:
                    os.kill(outcome.worker, signal.SIGKILL)
                    deaths += 1
                if len(outcomes) == 12:
                    nodes.remove_node(second, allow_graceful=False)
                    deaths += 1
        assert deaths == 2
        assert [outcome.error for outcome in outcomes if outcome.error] == []
        assert sorted(outcome.name for outcome in outcomes) == [f"{number:02}.out" for number in range(FILES)]
        assert {outcome.status for outcome in outcomes} == {DONE}
        assert tree(tmp_path / "out", hidden=False) == {
            f"{number:02}.out": f"file {number}".encode()[::-1] for number in range(FILES)
        }
        with plan(request) as run, closing(run.do()) as work:
            assert {outcome.status for outcome in work} == {UP_TO_DATE}
        assert not list((tmp_path / "out").rglob("*.part"))

        # The twin: without another try, a worker's death costs its file; the manifest still knows the rest.
        monkeypatch.setattr(cluster, "TRIES", 1)
        with plan(replace(request, output=str(tmp_path / "once"))) as run, closing(run.do(cluster.engine())) as work:
            outcomes = []
            for outcome in work:
                outcomes.append(outcome)
                if len(outcomes) == 3:
                    os.kill(outcome.worker, signal.SIGKILL)
        assert "WorkerDied" in {outcome.error.type for outcome in outcomes if outcome.error}
        with plan(replace(request, output=str(tmp_path / "once"))) as run, closing(run.do()) as work:
            assert {outcome.status for outcome in work} == {DONE, UP_TO_DATE}
        assert tree(tmp_path / "once") == tree(tmp_path / "out")
    finally:
        ray.shutdown()
        nodes.shutdown()
