"""Results folders for reports: names that are markup, failures, pictures."""

from __future__ import annotations

import random
from pathlib import Path

from make_results import make_row, make_spec, make_supervised, make_trial, write_benchmark
from PIL import Image

from mebench.results.trial_folder import TrialFolder

MARKUP = "<img src=x onerror=window.broken=1>"
CLOSING = "</script><script>window.broken=2</script>"


def make_hostile(root: Path) -> Path:
    """A benchmark in which every text that a page can show is markup."""
    root.mkdir(exist_ok=True)
    write_benchmark(
        root,
        name=f"name{MARKUP}",
        title=f"</title>{CLOSING}",
        note=f"note{MARKUP}",
        file="../../secret/it's $(here).yaml",
        paper={"title": f"paper{MARKUP}", "id": CLOSING},
        reported=[
            {"attack": f"reported{MARKUP}", "victim": MARKUP, "budget": 50_000, "accuracy": 92.3},
            {"attack": "megex", "variant": "l1", "victim": "fmnist-lenet5", "budget": 50_000, "accuracy": 70.0},
        ],
    )
    for seed, accuracy in enumerate((0.70, 0.72, 0.69)):
        make_trial(root, make_spec(f"attack{CLOSING}", "l1' onclick='x", seed), accuracy, flags=[f"flag{MARKUP}"])
    make_row(root, [0.50, 0.52, 0.60])
    make_supervised(root, [0.85, 0.84, 0.85])
    failed, begun = make_spec("dfme", "kl", 0), make_spec("dfme", "kl", 1)
    TrialFolder.of(root, failed).fail(failed, f"reason{MARKUP}\n\x1b[31mred")
    TrialFolder.of(root, begun).begin(begun)
    make_trial(root, make_spec("cheater"), 0.6, spent=60_000)
    return root


def save_noise(path: Path, size: tuple[int, int] = (60, 40), enlarged: int = 1, seed: int = 0) -> bytes:
    """Write a grey picture of noise, each pixel repeated; return the pixels of the small one."""
    pixels = random.Random(seed).randbytes(size[0] * size[1])
    small = Image.frombytes("L", size, pixels)
    whole = (size[0] * enlarged, size[1] * enlarged)
    small.resize(whole, Image.Resampling.NEAREST).convert("RGB").save(path, "png", compress_level=1)
    return pixels
