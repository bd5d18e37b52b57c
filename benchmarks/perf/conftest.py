"""What all cases share: one thread, the role of a case in its group, and a calibration of the machine."""

from __future__ import annotations

import time

import pytest
import torch

SIDE = 1024


def pytest_configure(config):
    config.addinivalue_line("markers", "cheap: takes seconds; CI checks its ratio")


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def compare(benchmark):
    """Time a call as one side of a comparison.

    ``compare(group, role, call)``: the roles of a group are ``plain``, the obvious way to do it, and any others.
    """

    def run(group, role, call, rounds=5, warmup_rounds=1):
        benchmark.group = group
        benchmark.extra_info["role"] = role
        return benchmark.pedantic(call, rounds=rounds, warmup_rounds=warmup_rounds)

    return run


def pytest_benchmark_update_json(config, benchmarks, output_json):
    output_json["calibration"] = {"gflops": round(_gemm_gflops(), 1), "side": SIDE, "torch": torch.__version__}


def _gemm_gflops():
    """Speed of a float32 matrix product on one thread, the best of ten."""
    torch.set_num_threads(1)
    left, right = torch.rand(SIDE, SIDE), torch.rand(SIDE, SIDE)
    seconds = []
    for _ in range(10):
        start = time.perf_counter()
        left @ right
        seconds.append(time.perf_counter() - start)
    return 2 * SIDE**3 / min(seconds) / 1e9
