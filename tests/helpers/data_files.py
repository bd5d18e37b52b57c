"""Tiny data sets in the published file formats, made up but learnable: a class is a fixed pattern under noise.

torchvision's CIFAR-10 and SVHN readers compare checksums; ``skip_checksums(monkeypatch)`` turns that off in this
process, and nothing else of the reading.
"""

from __future__ import annotations

import gzip
import pickle
import struct
from pathlib import Path

import numpy as np

CLASSES = 10


def pictures(count, channels, size, seed, classes=CLASSES):
    """Images (count, channels, size, size) uint8 and labels (count,), in the order 0, 1, ..., 9, 0, ..."""
    patterns = np.random.default_rng(1234).integers(40, 216, (classes, channels, size, size))
    labels = np.arange(count) % classes
    noise = np.random.default_rng(seed).integers(-40, 40, (count, channels, size, size))
    return (patterns[labels] + noise).astype(np.uint8), labels


def write_cifar10(root, train=40, test=20):
    """Write ROOT/cifar-10-batches-py: five training batches, a test batch and the names of the classes."""
    folder = Path(root) / "cifar-10-batches-py"
    folder.mkdir(parents=True, exist_ok=True)
    images, labels = pictures(train, 3, 32, seed=1)
    for number, rows in enumerate(np.array_split(np.arange(train), 5), start=1):
        _write_batch(folder / f"data_batch_{number}", images[rows], labels[rows])
    _write_batch(folder / "test_batch", *pictures(test, 3, 32, seed=2))
    names = [f"class {i}" for i in range(CLASSES)]
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": names, "num_vis": 3072}, protocol=2))
    return Path(root)


def write_svhn(root, train=40, test=20):
    """Write ROOT/train_32x32.mat and ROOT/test_32x32.mat; as published, the digit 0 has the label 10."""
    from scipy.io import savemat

    Path(root).mkdir(parents=True, exist_ok=True)
    for split, count, seed in (("train", train, 1), ("test", test, 2)):
        images, labels = pictures(count, 3, 32, seed)
        published = np.where(labels == 0, 10, labels).astype(np.uint8)[:, None]
        savemat(Path(root) / f"{split}_32x32.mat", {"X": images.transpose(2, 3, 1, 0), "y": published})
    return Path(root)


def write_idx(root, train=40, test=20, compressed=True, size=28):
    """Write the four idx files of MNIST and Fashion-MNIST into ROOT."""
    Path(root).mkdir(parents=True, exist_ok=True)
    for prefix, count, seed in (("train", train, 1), ("t10k", test, 2)):
        images, labels = pictures(count, 1, size, seed)
        _write(Path(root) / f"{prefix}-images-idx3-ubyte", idx_bytes(images[:, 0]), compressed)
        _write(Path(root) / f"{prefix}-labels-idx1-ubyte", idx_bytes(labels.astype(np.uint8)), compressed)
    return Path(root)


def write_image_folder(root, train=40, test=20, classes=("cat", "dog"), size=12):
    """Write ROOT/train/CLASS/N.png and ROOT/test/CLASS/N.png in colour."""
    from PIL import Image

    for split, count, seed in (("train", train, 1), ("test", test, 2)):
        images, labels = pictures(count, 3, size, seed, len(classes))
        for number, (image, label) in enumerate(zip(images, labels, strict=True)):
            folder = Path(root) / split / classes[label]
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image.transpose(1, 2, 0)).save(folder / f"{number:03}.png")
    return Path(root)


def write_gtsrb(root, training="Final_Training/Images", seed=0):
    """Write ROOT/GTSRB and ROOT/GT-final_test.csv as published: two images of each class, 20 to test."""
    from PIL import Image

    random = np.random.default_rng(seed)
    heads = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId"

    def write(file):
        width, height = random.integers(15, 41, 2)
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (height, width, 3)).astype(np.uint8)).save(file)
        return f"{file.name};{width};{height};5;5;{width - 5};{height - 5}"

    folder = Path(root) / "GTSRB"
    for label in range(43):
        place = folder / training / f"{label:05}"
        lines = [f"{write(place / f'00000_{number:05}.ppm')};{label}" for number in range(2)]
        (place / f"GT-{label:05}.csv").write_text("\n".join([heads, *lines]))
    lines = [f"{write(folder / 'Final_Test' / 'Images' / f'{n:05}.ppm')};{7 * n % 43}" for n in range(20)]
    (Path(root) / "GT-final_test.csv").write_text("\n".join([heads, *lines]) + "\n")
    return Path(root)


def write_textures(root, count=3, size=40, seed=0):
    """Write ROOT/N.png, pictures of coloured noise."""
    from PIL import Image

    Path(root).mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (count, size, size, 3)).astype(np.uint8)
    for number, image in enumerate(noise):
        Image.fromarray(image).save(Path(root) / f"{number}.png")
    return Path(root)


def write_clip_art(root, each=6):
    """Write the folders of Debian's clip art into ROOT, in each some drawings of their own on white."""
    from PIL import Image

    from mebench.data.layouts import CLIP_ART_FOLDERS

    random = np.random.default_rng(0)
    words = ("ape", "bee", "cow", "dog", "elk", "fox", "gnu", "hen", "ibis", "jay")
    for folder in (Path(root) / name for names in CLIP_ART_FOLDERS.values() for name in names):
        folder.mkdir(parents=True, exist_ok=True)
        for word in words[:each]:
            picture = Image.new("RGB", (60, 50), "white")
            noise = random.integers(0, 255, (16, 16, 3)).astype(np.uint8)
            picture.paste(Image.fromarray(noise).resize((32, 32), Image.Resampling.NEAREST), (9, 5))
            picture.save(folder / f"{folder.name}_{word}.png")
    return Path(root)


def idx_bytes(values):
    """A uint8 array as an uncompressed idx file."""
    return struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape) + values.tobytes()


def skip_checksums(monkeypatch):
    """Let torchvision read files that are not the published ones, in this process."""
    from mebench.data.torchvision_compat import import_torchvision

    datasets = import_torchvision().datasets
    for module in (datasets.cifar, datasets.svhn):
        monkeypatch.setattr(module, "check_integrity", lambda path, md5=None: Path(path).is_file())


def _write_batch(path, images, labels):
    batch = {"data": images.reshape(len(images), -1), "labels": labels.tolist(), "batch_label": path.name}
    path.write_bytes(pickle.dumps(batch, protocol=2))


def _write(path, content, compressed):
    if compressed:
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(content))
    else:
        path.write_bytes(content)
