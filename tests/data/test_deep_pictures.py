"""Pictures of floats and deep whole numbers: scaled where it is plain how, else one line that names the file."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from mebench.api.errors import DataUnavailableError
from mebench.api.notices import notices_to
from mebench.api.spec import Component
from mebench.data.datasets import load_dataset
from mebench.data.pictures import as_tensor, read_picture

RAMP = np.linspace(0, 1, 16)[None].repeat(16, 0)
GREY = (255 * RAMP).round().astype(np.uint8)
PARAMETERS = {"size": 16, "colour": "grey"}


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("MEBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))


def write(folder, *pictures, suffix="tif"):
    """Each array as a file of its own, 0.tif and so on."""
    folder.mkdir(exist_ok=True)
    for number, values in enumerate(pictures):
        Image.fromarray(values).save(folder / f"{number}.{suffix}")
    return folder


def read(folder, **parameters):
    """The pictures by their brightness, and what was said."""
    heard = []
    with notices_to(heard.append):
        component = Component("image-files", {"root": str(folder), **PARAMETERS, **parameters})
        images = load_dataset(component, "train").images[:, 0].numpy()
    return sorted(images, key=np.sum), [line.removeprefix(f"image-files: {folder}: ") for line in heard]


def pfm(values):
    """A portable float map, whose rows begin at the bottom."""
    return b"Pf\n16 16\n-1.0\n" + values[::-1].astype("<f4").tobytes()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("white", [1, 255])
def test_floats_run_to_1_or_to_255(tmp_path, dtype, white):
    images, heard = read(write(tmp_path / "mine", (RAMP * white).astype(dtype)))
    np.testing.assert_allclose(images[0], GREY, atol=1)
    assert heard == [f"pictures of floats are read as if white were {white}"]


def test_floats_of_a_portable_float_map_are_read_too(tmp_path):
    (tmp_path / "a.pfm").write_bytes(pfm(RAMP))
    np.testing.assert_array_equal(read(tmp_path)[0][0], GREY)


@pytest.mark.parametrize(("dtype", "white"), [(np.int32, 255), (np.int32, 65535), (np.int16, 255), (np.uint32, 65535)])
def test_whole_numbers_run_to_255_or_to_65535(tmp_path, dtype, white):
    images, heard = read(write(tmp_path / "mine", (RAMP * white).round().astype(dtype)))
    np.testing.assert_allclose(images[0], GREY, atol=1)
    assert heard == [f"pictures of whole numbers are read as if white were {white}"]


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_dark_pictures_of_sixteen_bits_stay_dark(tmp_path, suffix):
    images, heard = read(write(tmp_path / "mine", (RAMP * 2570).astype(np.uint16), suffix=suffix))
    assert images[0].max() == 10
    assert heard == [dark("16 bits", "2,570", "4%", 12)]


def dark(values, highest, share, bits):
    """What is said of pictures that may be of fewer bits than their files."""
    return (
        f"the highest value of pictures of {values} is {highest} of 65,535, which is read as dark ({share} of white): "
        f"if they are no dark pictures, say how many bits they have (`bits: {bits}` or more), or save them as 8 bits"
    )


@pytest.mark.parametrize(("bits", "share"), [(8, "0%"), (10, "2%"), (12, "6%"), (14, "25%")])
def test_pictures_that_use_few_of_sixteen_bits_are_told_once_with_their_highest_value(tmp_path, bits, share):
    values = (RAMP * (2**bits - 1)).astype(np.uint16)
    _, heard = read(write(tmp_path / "mine", values, values // 2))
    assert heard == [dark("16 bits", f"{2**bits - 1:,}", share, bits)]


def test_whole_numbers_that_are_dark_are_told_too(tmp_path):
    _, heard = read(write(tmp_path / "mine", (RAMP * 4095).astype(np.int32)))
    assert heard[1:] == [dark("whole numbers", "4,095", "6%", 12)]


@pytest.mark.parametrize("brightest", [0, 16_384, 65_535])
def test_pictures_of_sixteen_bits_of_which_one_is_bright_or_all_are_black_are_not_told(tmp_path, brightest):
    dim = (RAMP * min(brightest, 1000)).astype(np.uint16)
    _, heard = read(write(tmp_path / "mine", dim, (RAMP * brightest).astype(np.uint16)))
    assert heard == []


def test_of_a_bright_folder_the_dark_rows_are_not_told(tmp_path):
    folder = write(tmp_path / "mine", *((RAMP * white).astype(np.uint16) for white in (900, 65_535)))
    assert [read(folder, rows=[row, row + 1])[1] for row in (0, 1)] == [[], []]


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("bits", [8, 10, 12])
def test_white_is_the_largest_value_of_the_bits_that_are_said(tmp_path, bits, suffix):
    folder = write(tmp_path / "mine", (RAMP * (2**bits - 1)).round().astype(np.uint16), suffix=suffix)
    assert int(read(folder)[0][0].max()) < 20
    images, heard = read(folder, bits=bits)
    np.testing.assert_allclose(images[0], GREY, atol=1)
    assert heard == []


@pytest.mark.parametrize("dtype", [np.uint16, np.int32])
def test_a_value_that_needs_more_bits_than_are_said_is_one_line(tmp_path, dtype):
    folder = write(tmp_path / "mine", (RAMP * 5000).astype(dtype))
    with pytest.raises(DataUnavailableError) as caught:
        read(folder, bits=12)
    assert (
        str(caught.value) == f"{folder}/0.tif: holds the value 5,000; 12 bits, as `bits` says, go no further than 4,095"
    )


def test_bits_change_nothing_of_bytes_and_floats(tmp_path):
    folder = write(tmp_path / "mine", GREY, RAMP.astype(np.float32))
    assert [one.tolist() for one in read(folder, bits=12)[0]] == [one.tolist() for one in read(folder)[0]]


def deep_png(values, kind=2):
    """A PNG file of 16 bits and several channels, as Pillow cannot write it."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


@pytest.mark.parametrize("kind", [2, 4, 6])
def test_colours_that_use_few_of_sixteen_bits_are_told_too(tmp_path, kind):
    values = np.full((16, 16, {2: 3, 4: 2, 6: 4}[kind]), 4095)
    values[..., 3 if kind == 6 else 1] = 65_535 if kind != 2 else 100
    (tmp_path / "a.png").write_bytes(deep_png(values, kind))
    _, heard = read(tmp_path)
    assert heard == [
        "the highest value of pictures of colours of 16 bits is 4,095 of 65,535, which is read as dark (6% of white): "
        "if they are no dark pictures, save them as 8 bits"
    ]
    with pytest.raises(DataUnavailableError, match=r"a\.png: has colours of 16 bits, .*save it as 8 bits"):
        read(tmp_path, bits=12)


def test_colours_that_use_all_of_sixteen_bits_are_not_told(tmp_path):
    (tmp_path / "a.png").write_bytes(deep_png(np.full((16, 16, 3), 65_000)))
    assert read(tmp_path)[1] == read(tmp_path, bits=16)[1] == []


@pytest.mark.parametrize("rows", [None, [0, 1], [1, 2]])
def test_of_whole_numbers_a_dark_picture_is_read_like_the_others_of_its_folder(tmp_path, rows):
    folder = write(tmp_path / "mine", (RAMP * 200).astype(np.int32), (RAMP * 65535).astype(np.int32))
    images, _ = read(folder, rows=rows)
    assert {int(one.max()) for one in images} <= {1, 255}
    assert len(images) == (2 if rows is None else 1)


def test_a_black_picture_tells_nothing_of_the_range(tmp_path):
    black = np.zeros((16, 16), np.float32)
    for white in (1, 255):
        images, _ = read(write(tmp_path / str(white), black, (white * RAMP).astype(np.float32)))
        assert [int(one.max()) for one in images] == [0, 255]
    assert read(write(tmp_path / "black", black))[0][0].max() == 0


def test_values_of_fewer_than_sixteen_bits_are_as_bright_as_their_file_says(tmp_path):
    values = [0, 1365, 2730, 4095]  # of 12 bits
    bits = "".join(f"{value:012b}" for value in values)
    (tmp_path / "a.tif").write_bytes(tiff(12, bytes(int(bits[at : at + 8], 2) for at in range(0, 48, 8))))
    assert as_tensor(read_picture(tmp_path / "a.tif", "grey")).flatten().tolist() == [0, 85, 170, 255]
    assert read(tmp_path, size=4)[0][0][0].tolist() == [0, 85, 170, 255]


def tiff(bits, data, width=4, kind=1, samples=1):
    """An uncompressed TIFF of one row, as Pillow cannot write it."""
    tags = {
        256: width,
        257: 1,
        258: bits,
        259: 1,
        262: samples,
        273: 8,
        277: samples,
        278: 1,
        279: len(data),
        339: kind,
    }
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + struct.pack("<H", len(tags)) + entries + bytes(4)


SPOILT = RAMP.copy()
SPOILT[3, 3] = np.nan
ENDLESS = np.where(np.isnan(SPOILT), np.inf, SPOILT)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (
            SPOILT.astype(np.float32),
            "mode F must hold floats from 0 to 1 or from 0 to 255, and some are NaN or infinite",
        ),
        (ENDLESS.astype(np.float32), "some are NaN or infinite"),
        ((2 * RAMP - 1).astype(np.float32), "they run from -1 to 1"),
        ((1.25 * RAMP).astype(np.float32), "they run from 0 to 1.25"),
        ((1000 * RAMP).astype(np.float32), "they run from 0 to 1000"),
        ((200 * RAMP - 100).astype(np.int32), "mode I must hold whole numbers from 0 to 255 or to 65535, and they run"),
        ((100_000 * RAMP).astype(np.int32), "they run to 100000"),
        ((4e9 * RAMP).astype(np.uint32), "they run from -"),
    ],
)
@pytest.mark.parametrize("name", ["image-files", "wallpaper-crops"])
def test_what_could_be_read_in_more_ways_than_one_is_one_line_with_file_and_mode(tmp_path, values, words, name):
    folder = write(tmp_path / "mine", values)
    with pytest.raises(DataUnavailableError, match=words) as caught:
        load_dataset(Component(name, {"root": str(folder), **PARAMETERS}), "train")
    assert str(caught.value).startswith(f"{folder}/0.tif: a picture of mode ")
    assert str(caught.value).endswith(": save it as 8 bits")
    assert "\n" not in str(caught.value)


def test_floats_of_two_ranges_in_one_folder_are_one_line_that_names_both(tmp_path):
    folder = write(tmp_path / "mine", RAMP.astype(np.float32), (255 * RAMP).astype(np.float32))
    with pytest.raises(
        DataUnavailableError, match=r"0\.tif: its floats run to 1, those of .*1\.tif to 255: is white 1"
    ):
        read(folder)


@pytest.mark.parametrize("data", [tiff(16, np.linspace(0, 1, 4).astype("<f2").tobytes(), kind=3)])
def test_floats_that_pillow_does_not_read_are_one_line(tmp_path, data):
    (tmp_path / "a.tif").write_bytes(data)
    with pytest.raises(DataUnavailableError, match=r"a\.tif: cannot be read as an image .*save it as 8 bits\)"):
        read(tmp_path)


def test_crops_are_cut_of_floats_too(tmp_path):
    noise = np.random.default_rng(0).random((40, 40))
    crops = []
    for name, values in (("floats", noise.astype(np.float32)), ("bytes", (255 * noise).round().astype(np.uint8))):
        folder = write(tmp_path / name, values)
        crops.append(load_dataset(Component("wallpaper-crops", {"root": str(folder), **PARAMETERS}), "train").images)
    assert len(crops[0]) > 10
    assert crops[0].float().mean() == pytest.approx(crops[1].float().mean().item(), abs=3)


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "tif"])
def test_of_animated_files_and_of_pages_the_first_is_taken_and_told(tmp_path, suffix):
    frames = [Image.new("L", (16, 16), value) for value in (10, 100, 200)]
    more = {"lossless": True} if suffix == "webp" else {}
    frames[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=frames[1:], **more)
    images, heard = read(tmp_path)
    assert np.unique(images[0]).tolist() == [10]
    assert heard == [f"1 file holds several pictures, of which the first is taken (a.{suffix})"]


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
@pytest.mark.parametrize(
    ("orientation", "turned"), [(3, np.rot90(GREY, 2)), (6, np.rot90(GREY, -1)), (8, np.rot90(GREY))]
)
def test_pictures_of_all_formats_are_turned_as_their_camera_says(tmp_path, suffix, orientation, turned):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"jpg": {"quality": 95}, "webp": {"lossless": True}}.get(suffix, {})
    Image.fromarray(GREY).convert("RGB").save(tmp_path / f"a.{suffix}", exif=exif, **options)
    np.testing.assert_allclose(read(tmp_path)[0][0].astype(int), turned, atol=6)


@pytest.mark.parametrize("suffix", ["png", "tif", "webp", "tga", "gif"])
def test_what_is_transparent_is_white_in_all_formats(tmp_path, suffix):
    values = np.zeros((16, 16, 4), np.uint8)
    values[:8] = (60, 60, 60, 255)
    options = {"lossless": True} if suffix == "webp" else {}
    Image.fromarray(values).save(tmp_path / f"a.{suffix}", **options)
    image = read(tmp_path)[0][0]
    assert (int(image[0, 0]), int(image[15, 15])) == (60, 255)


def test_an_empty_file_is_said_to_be_empty(tmp_path):
    (tmp_path / "a.png").touch()
    with pytest.raises(DataUnavailableError, match=r"a\.png: cannot be read as an image \(it is empty\)"):
        read(tmp_path)
