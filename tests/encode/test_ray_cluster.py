from __future__ import annotations

import socket
import sys
from typing import Any

import pytest

from hyper_ir.encode.ray_cluster import (
    ClusterConfig,
    Share,
    _require_answer,
    import_ray,
    shared_out,
)


def nodes(*resources: dict[str, float]) -> list[dict[str, Any]]:
    return [{"Alive": True, "Resources": each} for each in resources]


@pytest.mark.parametrize(
    ("there", "asked", "share"),
    [
        ([{"CPU": 2}], {}, Share(1, 2, 0)),
        ([{"CPU": 2}], {"workers": 2}, Share(2, 1, 0)),
        ([{"CPU": 16}, {"CPU": 6}], {}, Share(5, 4, 0)),
        ([{"CPU": 16}, {"CPU": 16}], {"workers": 8, "threads": 2}, Share(8, 2, 0)),
        ([{"CPU": 32, "GPU": 8}], {}, Share(24, 1, 1 / 3)),
        ([{"CPU": 8, "GPU": 8}], {}, Share(8, 1, 1)),
        ([{"CPU": 8, "GPU": 8}], {"workers": 16}, Share(16, 1, 0.5)),
        ([{"CPU": 8, "GPU": 8}], {"device": "cpu"}, Share(2, 4, 0)),
        ([{"CPU": 0}, {"CPU": 3}], {"threads": 3}, Share(1, 3, 0)),
    ],
)
def test_the_cluster_is_shared_out(there: Any, asked: Any, share: Share) -> None:
    assert shared_out(nodes(*there), ClusterConfig(**asked)) == share


def test_machines_that_are_gone_count_for_nothing() -> None:
    gone = {"Alive": False, "Resources": {"CPU": 64, "GPU": 8}}
    assert shared_out([gone, *nodes({"CPU": 1})], ClusterConfig()) == Share(1, 1, 0)


@pytest.mark.parametrize(
    ("there", "asked", "message"),
    [
        (
            [{"CPU": 2}],
            {"workers": 3, "threads": 1},
            r"2 cores on 1 machine: too few for 3 workers",
        ),
        ([{"CPU": 2}, {"CPU": 2}], {"threads": 4}, r"too few for 1 worker of 4 threads"),
        ([{}], {}, r"0 cores on 1 machine"),
        ([{"CPU": 2}], {"device": "cuda"}, r"the cluster offers no GPU"),
    ],
)
def test_a_cluster_that_is_too_small_is_told(there: Any, asked: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        shared_out(nodes(*there), ClusterConfig(**asked))


@pytest.mark.parametrize("asked", [{"workers": 0}, {"threads": 0}, {"documents": 0}])
def test_numbers_below_one_are_refused(asked: Any) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(asked))}: at least 1, not 0"):
        ClusterConfig(**asked)
    with pytest.raises(ValueError, match=r"device: 'cuda:1'; Ray gives each worker its GPU"):
        ClusterConfig(device="cuda:1")


def test_shares_in_words() -> None:
    assert str(Share(2, 1, 0)) == "2 workers of 1 thread"
    assert str(Share(24, 1, 1 / 3)) == "24 workers of 1/3 GPU"
    assert str(Share(1, 1, 1)) == "1 worker of 1 GPU"


def test_ray_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ValueError, match=r"needs Ray .*: pip install 'hyper_ir\[ray\]'"):
        import_ray()


def test_an_address_that_does_not_answer_is_told_at_once() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        with pytest.raises(ValueError, match=rf"Ray at 127.0.0.1:{port}: no answer .*ray status"):
            _require_answer(f"127.0.0.1:{port}")
        listening.listen()
        _require_answer(f"127.0.0.1:{port}")


@pytest.mark.parametrize("address", ["head", "head:", ":6379", "head:port", "head:99999999"])
def test_an_address_that_is_none_is_told(address: str) -> None:
    with pytest.raises(ValueError, match=rf"Ray at {address}: (HOST:PORT is needed|no answer)"):
        _require_answer(address)


def test_an_address_of_rays_client_is_refused() -> None:
    with pytest.raises(ValueError, match="give the cluster's own HOST:PORT"):
        _require_answer("ray://head:10001")
