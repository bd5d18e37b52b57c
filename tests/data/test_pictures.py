"""Picture files: every mode and format as it is looked at, whatever its size."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from mebench.api.errors import DataUnavailableError
from mebench.data.pictures import as_tensor, one_of_each, pictures_below, read_picture

RAMP = np.linspace(0, 255, 24).astype(np.uint8)[None].repeat(16, 0)
"""Grey from left to right, 16 x 24."""


def read(image, tmp_path, name="picture.png", colour="grey", **options):
    image.save(tmp_path / name, **options)
    return as_tensor(read_picture(tmp_path / name, colour)).numpy()


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P"])
def test_grey_of_any_mode_is_that_grey(tmp_path, mode):
    found = read(Image.fromarray(RAMP).convert(mode), tmp_path)
    assert found.shape == (1, 16, 24)
    np.testing.assert_allclose(found[0], RAMP, atol=1)


@pytest.mark.parametrize(
    ("name", "mode", "options"),
    [
        ("a.webp", "RGB", {"lossless": True}),
        ("a.tif", "CMYK", {}),
        ("a.ppm", "RGB", {}),
        ("a.pgm", "L", {}),
        ("a.bmp", "RGB", {}),
        ("a.gif", "L", {}),
    ],
)
def test_any_format_is_read(tmp_path, name, mode, options):
    np.testing.assert_allclose(read(Image.fromarray(RAMP).convert(mode), tmp_path, name, **options)[0], RAMP, atol=1)


def test_jpeg_in_cmyk_is_read_about_right(tmp_path):
    found = read(Image.fromarray(RAMP).convert("CMYK"), tmp_path, "a.jpg", quality=95)
    np.testing.assert_allclose(found[0], RAMP, atol=6)


def test_sixteen_bits_become_eight_and_not_white(tmp_path):
    deep = Image.fromarray(RAMP.astype(np.uint16) * 257)
    np.testing.assert_array_equal(read(deep, tmp_path)[0], RAMP)


def test_one_bit_is_black_and_white(tmp_path):
    found = read(Image.fromarray(RAMP > 127), tmp_path)
    np.testing.assert_array_equal(found[0], np.where(RAMP > 127, 255, 0))


def test_what_is_transparent_is_white_whatever_colour_lies_below(tmp_path):
    image = np.zeros((4, 4, 4), np.uint8)
    image[:2] = (200, 0, 0, 255)
    found = read(Image.fromarray(image), tmp_path, colour="rgb")
    assert found[:, 0, 0].tolist() == [200, 0, 0]
    assert found[:, 3, 0].tolist() == [255, 255, 255]
    indexed = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
    indexed.putpalette([10, 20, 30, 40, 50, 60])
    found = read(indexed, tmp_path, "indexed.png", "rgb", transparency=1)
    assert found[:, 0].T.tolist() == [[10, 20, 30], [255, 255, 255]]


def test_a_photograph_is_turned_as_its_camera_says(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    found = read(Image.fromarray(RAMP), tmp_path, "a.jpg", exif=exif, quality=95)
    np.testing.assert_allclose(found[0], RAMP[:, ::-1], atol=6)


def test_large_pictures_are_shrunk_to_the_longest_side_and_small_ones_are_left(tmp_path):
    Image.fromarray(RAMP).resize((600, 300)).save(tmp_path / "a.jpg", quality=95)
    small = read_picture(tmp_path / "a.jpg", "grey", longest=60)
    assert small.size == (60, 30)
    np.testing.assert_allclose(np.asarray(small)[10], np.linspace(0, 255, 60), atol=8)
    assert read_picture(tmp_path / "a.jpg", "grey", longest=900).size == (600, 300)


def test_what_is_no_picture_is_an_error_in_one_line(tmp_path):
    for name, content in (("a.png", b"not a picture"), ("b.png", b""), ("c.jpg", b"\xff\xd8\xff\xe0 cut off")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataUnavailableError, match=f"{name}: cannot be read as an image") as caught:
            read_picture(tmp_path / name, "rgb")
        assert "\n" not in str(caught.value)


def test_pictures_are_found_at_any_depth_by_name_and_hidden_ones_are_not(tmp_path):
    for name in ("b.PNG", "a/c.jpeg", "a/b/d.webp", "notes.txt", ".thumbnails/e.png", "a/.f.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [file.relative_to(tmp_path).as_posix() for file in pictures_below(tmp_path, "mine")] == [
        "a/b/d.webp",
        "a/c.jpeg",
        "b.PNG",
    ]


def test_of_one_picture_at_many_sizes_the_largest_is_taken(tmp_path):
    for name, width in (("sea.png", 50), ("sea_900x100.png", 90), ("sea_200x100.png", 20), ("sky.png", 5)):
        Image.new("L", (width, 10)).save(tmp_path / name)
    assert [file.name for file in one_of_each(pictures_below(tmp_path, "mine"))] == ["sea_900x100.png", "sky.png"]


def test_tiles_of_a_picture_are_not_one_picture_at_many_sizes(tmp_path):
    names = ["tile_0x0.png", "tile_0x1.png", "tile_10x12.png"]
    for name in names:
        Image.new("L", (16, 16)).save(tmp_path / name)
    assert [file.name for file in one_of_each(pictures_below(tmp_path, "mine"))] == names
