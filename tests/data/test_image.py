"""Pictures of every kind become upright 8-bit RGB; what is none says why."""

from __future__ import annotations

import contextlib
import io
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from plait.data import image as images
from plait.data.image import from_array, from_pil, read_pictures
from plait.errors import CellError


def scene(width: int = 40, height: int = 24) -> Image.Image:
    """A picture whose four corners differ: red, green, blue, yellow."""
    y, x = np.mgrid[:height, :width]
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    top, left = y < height / 2, x < width / 2
    for where, colour in [
        (top & left, (220, 20, 20)),
        (top & ~left, (20, 200, 20)),
        (~top & left, (20, 20, 220)),
        (~top & ~left, (220, 220, 20)),
    ]:
        pixels[where] = colour
    return Image.fromarray(pixels)


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def one(value: Any, **options: Any) -> np.ndarray:
    (picture,) = read_pictures(value, **options)
    assert picture.dtype == np.uint8
    assert picture.ndim == 3
    assert picture.shape[2] == 3
    return picture


def difference(left: np.ndarray, right: np.ndarray) -> float:
    assert left.shape == right.shape
    return float(np.abs(left.astype(float) - right).mean())


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_exact_formats(kind: str) -> None:
    assert difference(one(encoded(scene(), kind)), np.asarray(scene())) == 0


@pytest.mark.parametrize(("kind", "most"), [("JPEG", 12), ("WEBP", 12), ("GIF", 3), ("AVIF", 12)])
def test_formats_that_lose_a_little(kind: str, most: float) -> None:
    if kind not in images._formats():
        pytest.skip(f"this Pillow cannot read {kind}")
    assert difference(one(encoded(scene(), kind)), np.asarray(scene())) < most


def test_an_animated_gif_is_its_first_frame() -> None:
    others = [Image.new("RGB", (40, 24), c) for c in ("white", "black")]
    content = encoded(scene(), "GIF", save_all=True, append_images=others)
    assert difference(one(content), np.asarray(scene())) < 3


def test_a_cmyk_jpeg() -> None:
    content = encoded(scene().convert("CMYK"), "JPEG", quality=95)
    assert difference(one(content), np.asarray(scene())) < 12


def test_a_16_bit_png() -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    picture = one(encoded(Image.fromarray(ramp), "PNG"))
    assert picture[..., 0].ravel().tolist() == list(range(256))
    assert (picture[..., 0] == picture[..., 2]).all()


def test_16_bits_in_the_other_byte_order() -> None:
    ramp = np.array([[0, 30000, 65535]])
    assert from_array(ramp.astype(">u2")).tolist() == from_array(ramp.astype("<u2")).tolist()


def test_transparent_palettes_stand_on_white() -> None:
    picture = Image.new("P", (4, 4), 1)
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.putpixel((0, 0), 0)
    seen = one(encoded(picture, "PNG", transparency=1))
    assert seen[0, 0].tolist() == [255, 0, 0]
    assert seen[1, 1].tolist() == [255, 255, 255]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_stands_on_white(mode: str) -> None:
    picture = Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    picture.putpixel((1, 0), (0, 0, 0, 128))
    seen = one(encoded(picture.convert(mode), "PNG"))
    assert seen[0, 0].tolist() == [255, 255, 255]
    assert 125 <= seen[0, 1, 0] <= 129


def test_transparency_in_arrays_stands_on_white() -> None:
    array = np.zeros((1, 2, 4), dtype=np.uint8)
    array[0, 1, 3] = 255
    assert from_array(array).tolist() == [[[255] * 3, [0] * 3]]
    assert from_array(array / 255).tolist() == [[[255] * 3, [0] * 3]]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_stand_upright(kind: str, orientation: int) -> None:
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    upright = scene(80, 48)
    lying = upright.transpose(undo[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(lying, kind, exif=exif.tobytes())
    assert difference(one(content), np.asarray(upright)) < 12
    small = one(content, side=20)
    assert small.shape == ((24, 40, 3) if kind == "JPEG" else (48, 80, 3))
    assert difference(small, np.asarray(upright.resize(small.shape[1::-1]))) < 12


def test_one_bit_and_grey() -> None:
    grey = one(encoded(scene().convert("L"), "JPEG"))
    assert (grey[..., 0] == grey[..., 1]).all()
    black = one(encoded(Image.new("1", (3, 2), 1), "PNG"))
    assert black.tolist() == [[[255] * 3] * 3] * 2


def test_a_wrong_extension_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(encoded(scene(), "PNG"))
    assert difference(one("a.jpg", folder=tmp_path), np.asarray(scene())) == 0


def test_what_a_cell_may_hold(tmp_path: Path) -> None:
    content = encoded(scene(), "PNG")
    (tmp_path / "a.png").write_bytes(content)
    cells = ["a.png", content, scene(), np.asarray(scene())]
    cells += [{"bytes": content, "path": None}, {"bytes": None, "path": "a.png"}]
    for cell in cells:
        assert difference(one(cell, folder=tmp_path), np.asarray(scene())) == 0
    assert len(read_pictures(cells, tmp_path)) == len(cells)
    assert len(read_pictures(("a.png",), tmp_path)) == 1


@pytest.mark.parametrize("size", [(1600, 1200), (1200, 1600)])
def test_a_jpeg_is_decoded_smaller_and_looks_the_same(size: tuple[int, int]) -> None:
    content = encoded(scene(*size), "JPEG", quality=92)
    whole, small = one(content), one(content, side=300)
    assert whole.shape[:2] == size[::-1]
    assert 300 <= min(small.shape[:2]) < min(whole.shape[:2])
    wanted = np.asarray(scene(*size).resize(small.shape[1::-1], Image.Resampling.BOX))
    assert difference(small, wanted) < 3


def test_a_small_picture_is_not_enlarged() -> None:
    assert one(encoded(scene(), "JPEG"), side=512).shape == (24, 40, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF"])
def test_truncated_files_are_cell_errors(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (60, 60, 3), dtype=np.uint8)
    content = encoded(Image.fromarray(noise), kind)
    with pytest.raises(CellError, match=r"broken picture: |not a picture that can be read"):
        read_pictures(content[: len(content) // 2])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"])
def test_damaged_files_are_read_or_are_cell_errors(kind: str) -> None:
    rng, good = np.random.default_rng(0), encoded(scene(), kind)
    for _ in range(80):
        content = bytearray(good)
        for place in rng.integers(0, min(len(good), 400), 4):
            content[place] = rng.integers(256)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own words on what it mends
            with contextlib.suppress(CellError):
                one(bytes(content))


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"hello", "unknown format"),
        (b"", "unknown format"),
        (b"RIFF\0\0\0\0WAVEfmt ", "it looks like audio"),
        (b"\0\0\0\x18ftypisom", "it looks like video"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n", "unknown format"),
    ],
)
def test_other_files_say_what_they_look_like(content: bytes, found: str) -> None:
    with pytest.raises(CellError, match=rf"not a picture that can be read \({found}\)"):
        read_pictures(content)


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 100)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    with pytest.raises(CellError, match=r"has 8001x8000 pixels, more than the limit of 64,000,000"):
        read_pictures(png_header(8001, 8000))
    for side in (10_000, 60_000):  # Pillow warns of the first and refuses the second
        with pytest.raises(CellError, match=r"has more pixels than the limit of 64,000,000"):
            read_pictures(png_header(side, side))


def test_large_arrays_and_objects_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_PIXELS", 100)
    with pytest.raises(CellError, match="has more pixels than the limit of 100"):
        from_array(np.zeros((11, 10)))
    with pytest.raises(CellError, match="has 40x24 pixels, more than the limit of 100"):
        read_pictures(scene())
    with pytest.raises(CellError, match="has 40x24 pixels"):  # although it could be read smaller
        read_pictures(encoded(scene(), "JPEG"), side=4)


def test_numbers_become_bytes() -> None:
    def row(values: Any, kind: Any) -> list[int]:
        return from_array(np.array([values], dtype=kind))[0, :, 0].tolist()

    assert row([0, 0.5, 1], np.float32) == [0, 128, 255]
    assert row([0, 0.5, 1], np.float64) == [0, 128, 255]
    assert row([0, 0.5, 0.5], np.float16) == [0, 128, 128]
    assert row([0, 32768, 65535], np.uint16) == [0, 128, 255]
    assert row([0, 100, 255], np.int64) == [0, 100, 255]
    assert row([-10, 0, 10], np.int32) == [0, 128, 255]
    assert row([-2.0, 0, 2.0], np.float64) == [0, 128, 255]
    assert row([0, 1, 1], np.bool_) == [0, 255, 255]
    assert row([0, np.nan, 1], np.float32) == [0, 0, 255]
    assert row([-np.inf, 0.5, np.inf, 1, 0], np.float32) == [0, 128, 255, 255, 0]
    assert row([7.0, 7.0], np.float32) == [0, 0]
    assert row([0, 1e300], np.float64) == [0, 255]


def test_grey_arrays_become_rgb() -> None:
    for shape in [(3, 2), (3, 2, 1)]:
        picture = from_array(np.full(shape, 9, dtype=np.uint8))
        assert picture.shape == (3, 2, 3)
        assert (picture == 9).all()


@pytest.mark.parametrize("shape", [(3,), (2, 2, 2), (3, 4, 4, 3), (0, 4), (0, 4, 3), (3, 20, 20)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(
        CellError, match=r"expected \(h, w\), \(h, w, 3\) or \(h, w, 4\), found shape"
    ):
        from_array(np.zeros(shape))


@pytest.mark.parametrize(
    "array", [np.array([["a", "b"]]), np.array([[None, 1]]), np.zeros((2, 2), dtype=complex)]
)
def test_arrays_of_other_things_are_refused(array: np.ndarray) -> None:
    with pytest.raises(CellError, match="expected an array of numbers, found "):
        from_array(array)


def test_an_array_without_finite_values() -> None:
    with pytest.raises(CellError, match="no pixel has a finite value"):
        from_array(np.full((2, 2), np.nan))


def test_an_empty_list() -> None:
    with pytest.raises(CellError, match="the list of pictures is empty"):
        read_pictures([])


def test_one_bad_picture_of_a_list_is_told() -> None:
    with pytest.raises(CellError, match="expected a path or bytes, found int"):
        read_pictures([scene(), 3])


def test_a_broken_pil_object(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (60, 60, 3), dtype=np.uint8)
    content = encoded(Image.fromarray(noise), "JPEG")
    with (
        Image.open(io.BytesIO(content[: len(content) // 2])) as lazy,
        pytest.raises(CellError, match="broken"),
    ):
        read_pictures(lazy)


def test_the_given_picture_is_left_as_it_was() -> None:
    picture = scene().convert("RGBA")
    before = picture.tobytes()
    from_pil(picture)
    assert picture.mode == "RGBA"
    assert picture.tobytes() == before


def test_modes_of_pil_objects() -> None:
    for mode in ("RGB", "RGBA", "L", "LA", "P", "CMYK", "YCbCr", "HSV", "1", "I", "F", "I;16"):
        picture = Image.new("L", (5, 4), 255).convert("I") if mode == "I;16" else scene(5, 4)
        assert from_pil(picture.convert(mode)).shape == (4, 5, 3), mode
