"""Settings of torch that code of others can change for everybody in a process."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import _C
from torch.autograd import forward_ad
from torch.optim import optimizer
from torch.utils.hooks import RemovableHandle

from mebench.guard.setting import AS_IT_IS, Setting, When, attribute

_DENORMAL = 1e-310
"""A number that is 0 in arithmetic that flushes denormal ones."""
_FLAGS: dict[str, dict[str, Any]] = {
    "cudnn": {
        "allow_tf32": AS_IT_IS,
        "enabled": True,
        "benchmark": False,
        "benchmark_limit": AS_IT_IS,
        "deterministic": False,
        "depthwise_kernel": AS_IT_IS,
    },
    "cuda.matmul": {
        "allow_tf32": AS_IT_IS,
        "allow_fp16_reduced_precision_reduction": AS_IT_IS,
        "allow_bf16_reduced_precision_reduction": AS_IT_IS,
        "allow_fp16_accumulation": False,
    },
    "mkldnn": {"deterministic": AS_IT_IS, "allow_tf32": AS_IT_IS},
    "opt_einsum": {"enabled": AS_IT_IS, "strategy": AS_IT_IS},
    "quantized": {"engine": AS_IT_IS},
}
"""Attributes of ``torch.backends``, and what a trial begins with; what a torch or a machine lacks is left out."""
_PRECISIONS = (
    ("generic", "all"),
    *((backend, operation) for backend in ("cuda", "mkldnn") for operation in ("all", "matmul", "conv", "rnn")),
)
_ATTENTIONS = ("flash", "mem_efficient", "math", "cudnn")
_PRIVATE: dict[str, tuple[str, str, Any]] = {
    "torch's use of oneDNN": ("_get_mkldnn_enabled", "_set_mkldnn_enabled", True),
    "torch's use of NNPACK": ("_get_nnpack_enabled", "_set_nnpack_enabled", True),
    "the order of torch's attention kernels": ("_get_sdp_priority_order", "_set_sdp_priority_order", AS_IT_IS),
    "torch's threads of the backward pass": ("_is_multithreading_enabled", "_set_multithreading_enabled", True),
    "torch's replay of views": ("_is_view_replay_enabled", "_set_view_replay_enabled", False),
    "torch's checks of sparse tensors": (
        "_check_sparse_tensor_invariants",
        "_set_check_sparse_tensor_invariants",
        False,
    ),
    "the optimiser of TorchScript": ("_get_graph_executor_optimize", "_set_graph_executor_optimize", True),
    "TorchScript's fusion of operations": ("_jit_texpr_fuser_enabled", "_jit_set_texpr_fuser_enabled", AS_IT_IS),
    "TorchScript's fusion on the CPU": ("_jit_can_fuse_on_cpu", "_jit_override_can_fuse_on_cpu", AS_IT_IS),
}
"""Settings that have functions of torch's own alone: how they are read and set, and what a trial begins with."""
_CONFIGS = (
    "torch._dynamo.config",
    "torch._inductor.config",
    "torch._functorch.config",
    "torch.fx.experimental._config",
)


def _flags() -> Iterator[Setting]:
    for place, names in _FLAGS.items():
        owner = functools.reduce(getattr, place.split("."), torch.backends)
        for name, fresh in names.items():
            if getattr(owner, name, None) is not None:
                yield attribute(owner, name, f"torch.backends.{place}.{name}", fresh=fresh)


def _precisions() -> Iterator[Setting]:
    """What torch since 2.9 has in the place of ``allow_tf32``."""
    if not hasattr(_C, "_get_fp32_precision_getter"):
        return
    for backend, operation in _PRECISIONS:
        words = f"torch's precision of float32 ({backend}, {operation})"
        restore = functools.partial(_C._set_fp32_precision_setter, backend, operation)
        yield Setting(words, functools.partial(_C._get_fp32_precision_getter, backend, operation), restore)


def _attentions() -> Iterator[Setting]:
    kernels = torch.backends.cuda
    for name in _ATTENTIONS:
        read: Callable[[], bool] = getattr(kernels, f"{name}_sdp_enabled")
        yield Setting(f"torch's {name} attention", read, getattr(kernels, f"enable_{name}_sdp"), fresh=True)
    words, read = "torch's half-precision sums in attention", kernels.fp16_bf16_reduction_math_sdp_allowed
    yield Setting(words, read, kernels.allow_fp16_bf16_reduction_math_sdp)


def _private() -> Iterator[Setting]:
    for words, (read, restore, fresh) in _PRIVATE.items():
        if hasattr(_C, read) and hasattr(_C, restore):
            yield Setting(words, getattr(_C, read), getattr(_C, restore), fresh=fresh)


def _autocast() -> Iterator[Setting]:
    for device, words in (("cpu", "CPU"), ("cuda", "GPU")):
        enabled = functools.partial(torch.is_autocast_enabled, device)
        restore = functools.partial(torch.set_autocast_enabled, device)
        yield Setting(f"autocast on the {words}", enabled, restore, fresh=False)
        kind = functools.partial(torch.get_autocast_dtype, device)
        restore = functools.partial(torch.set_autocast_dtype, device)
        yield Setting(f"autocast's type on the {words}", kind, restore)
    yield Setting("autocast's cache", torch.is_autocast_cache_enabled, torch.set_autocast_cache_enabled)


def _default_device() -> str:
    context = getattr(torch._GLOBAL_DEVICE_CONTEXT, "device_context", None)
    return "cpu" if context is None else str(context.device)


def _set_device(name: str) -> None:
    torch.set_default_device(None if name == "cpu" else name)


def _modes() -> int:
    """Modes that torch's functions run in, without that of a default device."""
    own = getattr(torch._GLOBAL_DEVICE_CONTEXT, "device_context", None) is not None
    return _C._len_torch_function_stack() - own


def _leave_modes(count: int) -> None:
    while _modes() > count:
        _C._pop_torch_function_stack()


def _leave_dispatch_modes(count: int) -> None:
    while _C._len_torch_dispatch_stack() > count:
        _C._pop_torch_dispatch_stack(None)


def _saved_tensors_hooks() -> tuple[int, ...]:
    hooks = _C._autograd._top_saved_tensors_default_hooks(True)
    return tuple(map(id, hooks)) if hooks else ()


def _drop_saved_tensors_hooks(hooks: tuple[int, ...]) -> None:
    while _saved_tensors_hooks() not in (hooks, ()):
        _C._autograd._pop_saved_tensors_default_hooks()


def _transforms() -> int:
    return len(_C._functorch.get_interpreter_stack() or ())


def _leave_transforms(count: int) -> None:
    while _transforms() > count:
        _C._functorch.pop_dynamic_layer_stack()


def _dual_levels() -> int:
    return forward_ad._current_level


def _leave_dual_levels(level: int) -> None:
    while _dual_levels() > level:
        forward_ad.exit_dual_level()


def _flushes_denormals() -> bool:
    return _DENORMAL * 0.5 == 0.0


def _set_anomaly(values: tuple[bool, bool]) -> None:
    torch.autograd.set_detect_anomaly(*values)


def _anomaly() -> tuple[bool, bool]:
    return torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()


_HOOKS: tuple[dict[int, Any], ...] = tuple(
    table
    for module in (torch.nn.modules.module, optimizer)
    for name, table in vars(module).items()
    if name.startswith("_global_") and name.endswith("hooks")
)
"""What is called for every module, and for every optimiser."""
_KEPT: set[int] = set()
"""The keys of mebench's own, which no trial puts away."""


def keep_hook(handle: RemovableHandle) -> None:
    """Let a hook of all modules or optimisers be mebench's own: it is none that a plugin has left."""
    _KEPT.add(handle.id)


def _hooks() -> tuple[tuple[tuple[int, Any], ...], ...]:
    return tuple(tuple(one for one in table.items() if one[0] not in _KEPT) if table else () for table in _HOOKS)


def _set_hooks(before: tuple[tuple[tuple[int, Any], ...], ...]) -> None:
    for table, kept in zip(_HOOKS, before, strict=True):
        for key in table.keys() - dict(kept).keys() - _KEPT:
            del table[key]
        table.update(kept)


def _compilers() -> dict[str, dict[str, Any]]:
    """The settings of torch's compilers that are imported; others have none yet."""
    return {name: sys.modules[name].get_config_copy() for name in _CONFIGS if name in sys.modules}


def _compilers_same(before: dict[str, dict[str, Any]], now: dict[str, dict[str, Any]]) -> bool:
    return all(now.get(name) == values for name, values in before.items())


def _set_compilers(before: dict[str, dict[str, Any]]) -> None:
    for name, values in before.items():
        config, now = sys.modules[name], sys.modules[name].get_config_copy()
        for key, value in values.items():
            if now.get(key) != value:
                setattr(config, key, value)


def _printing() -> dict[str, Any]:
    return dict(vars(torch._tensor_str.PRINT_OPTS))


def _set_printing(values: dict[str, Any]) -> None:
    vars(torch._tensor_str.PRINT_OPTS).update(values)


def _current_gpu() -> int | None:
    return torch.cuda.current_device() if torch.cuda.is_initialized() else None


def _set_gpu(index: int | None) -> None:
    if index is not None:
        torch.cuda.set_device(index)


def _gpu_same(before: int | None, now: int | None) -> bool:
    return before is None or now == before


def _later() -> Iterator[Setting]:
    """What is not read at every call, because it is rare or takes long."""
    at: When = "evaluation"
    yield Setting("modes of torch operations", _C._len_torch_dispatch_stack, _leave_dispatch_modes, at)
    yield Setting("torch's hooks of saved tensors", _saved_tensors_hooks, _drop_saved_tensors_hooks, at)
    yield Setting("transforms of torch.func", _transforms, _leave_transforms, at)
    yield Setting("levels of forward differentiation", _dual_levels, _leave_dual_levels, at)
    yield Setting("torch's number of threads between operations", torch.get_num_interop_threads, None, at)
    yield Setting("the current GPU", _current_gpu, _set_gpu, at, same=_gpu_same)
    for name in ("_overwrite_module_params_on_conversion", "_swap_module_params_on_conversion"):
        yield attribute(torch.__future__, name, f"torch.__future__.{name}", when=at)
    for name in ("linalg", "blas"):
        preferred = getattr(torch.backends.cuda, f"preferred_{name}_library", None)
        if preferred is not None and torch.version.cuda:
            yield Setting(f"torch's preferred {name} library", preferred, preferred, at)
    yield Setting("the settings of torch's compilers", _compilers, _set_compilers, "end", same=_compilers_same)
    yield Setting("how torch prints tensors", _printing, _set_printing, "end")
    yield Setting("whether torch warns always", torch.is_warn_always_enabled, torch.set_warn_always, "end")


RANDOM_SEED = Setting("torch's random seed", torch.initial_seed, torch.manual_seed)

TORCH = (
    Setting("torch's default dtype", torch.get_default_dtype, torch.set_default_dtype, fresh=torch.float32),
    Setting("torch's default device", _default_device, _set_device, fresh="cpu"),
    Setting("modes of torch functions", _modes, _leave_modes, "evaluation", fresh=0),
    Setting("torch's grad mode", torch.is_grad_enabled, torch.set_grad_enabled, fresh=True),
    Setting("torch's inference mode", torch.is_inference_mode_enabled),  # only who entered it can leave it
    Setting("torch's number of threads", torch.get_num_threads, torch.set_num_threads),
    RANDOM_SEED,
    Setting(
        "torch's deterministic mode", torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode, fresh=0
    ),
    attribute(torch.utils.deterministic, "fill_uninitialized_memory", "torch's filling of memory"),
    Setting("torch's anomaly mode", _anomaly, _set_anomaly, fresh=(False, True)),
    *_precisions(),
    Setting(
        "torch's matmul precision",
        torch.get_float32_matmul_precision,
        torch.set_float32_matmul_precision,
        fresh="highest",
    ),
    Setting("whether denormal numbers are flushed to 0", _flushes_denormals, torch.set_flush_denormal, fresh=False),
    *_autocast(),
    *_flags(),
    *_attentions(),
    *_private(),
    Setting(
        "torch's fast path of transformers",
        torch.backends.mha.get_fastpath_enabled,
        torch.backends.mha.set_fastpath_enabled,
        fresh=True,
    ),
    Setting("the hooks of all torch modules", _hooks, _set_hooks, fresh=((),) * len(_HOOKS)),
    *_later(),
)
"""The newer settings of precision come before the older ones, which cannot be read while both are mixed."""
