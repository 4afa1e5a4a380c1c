"""What the peers answer, where they are installed: the same as funcgrad."""

import importlib

import pytest

from bench.gradbench.differences import apart
from bench.gradbench.protocol import timed
from bench.gradbench.systems import SYSTEMS
from bench.gradbench.workloads import FUNCTIONS, of_class

PEERS = pytest.mark.parametrize(("name", "library"), [("JAX", "jax"), ("PyTorch", "torch")])


@PEERS
def test_a_peer_answers_or_says_why_not(name, library):
    pytest.importorskip(library)
    peer = importlib.import_module(f"bench.gradbench.peers.{library}")
    for module, functions in FUNCTIONS.items():
        for function in functions:
            assert (SYSTEMS[name](module, function) is None) == ((module, function) in peer.REASONS)
    assert all(function in FUNCTIONS[module] for module, function in peer.REASONS)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the peers' own
@PEERS
def test_peers_agree(name, library):
    pytest.importorskip(library)
    for workload in of_class("small"):
        given = workload.make()
        for function in FUNCTIONS[workload.module]:
            peer = SYSTEMS[name](workload.module, function)
            if peer is not None:
                own, _, _ = timed(SYSTEMS["funcgrad"](workload.module, function), given)
                assert apart(own, timed(peer, given)[0]) <= 1e-10, (workload.module, function)


@PEERS
def test_what_a_system_has_not_is_none(name, library):
    assert SYSTEMS[name]("nothing", "primal") is None
    assert SYSTEMS["funcgrad"]("nothing", "primal") is None
    assert SYSTEMS["funcgrad"]("det", "nothing") is None


def test_without_the_library_there_is_no_peer(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert SYSTEMS["JAX"]("det", "primal") is None
    assert SYSTEMS["PyTorch"]("det", "primal") is None
