"""Images to calibrate with: what is read, and one sentence for whatever is no image."""

import sys

import numpy as np
import pytest

from flopscope.answers.quantised.images import DEVIATION, MEAN, images_for
from flopscope.errors import BadInput

SHAPE = (1, 3, 4, 4)
ZEROS = np.zeros((2, 3, 4, 4), np.float32)
ENDINGS = ".png, .jpg, .jpeg, .bmp, .webp or .npy"


def read(given, shape=SHAPE):
    found = images_for(given, "x", shape)
    return found.words, [each["x"] for each in found.each]


def picture(path, mode="RGB", size=(4, 4)):
    image = pytest.importorskip("PIL.Image")
    plain = mode[0] in "IF"
    made = image.new(mode, size, 255) if plain else image.new("RGB", size, "white").convert(mode)
    made.save(path)
    return path


# --- what is read ---------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [ZEROS, list(ZEROS), ZEROS.astype(np.uint8)])
def test_several_images(given):
    words, found = read(given)
    assert words == "2 images of an array"
    assert [(each.shape, each.dtype) for each in found] == [(SHAPE, np.float32)] * 2


def test_one_image():
    assert read(ZEROS[0])[0] == "1 image of an array"


def test_an_image_fills_a_batch():
    assert read(ZEROS[0], (5, *SHAPE[1:]))[1][0].shape == (5, *SHAPE[1:])


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "CMYK", "1"])
def test_pictures_of_other_modes(mode, tmp_path):
    """All are made red, green and blue, from 0 to 1, less the mean, over the deviation."""
    path = picture(tmp_path / ("a.jpg" if mode == "CMYK" else "a.png"), mode)
    ((image,),) = [read(str(path))[1]]
    expected = [(1 - mean) / deviation for mean, deviation in zip(MEAN, DEVIATION, strict=True)]
    assert image[0, :, 0, 0] == pytest.approx(expected, abs=0.02)


def test_a_network_of_one_channel_takes_grey(tmp_path):
    _, (image,) = read(str(picture(tmp_path / "a.png")), (1, 1, 4, 4))
    assert image.max() == image.min() == 1


def test_a_folder_of_pictures_and_arrays(tmp_path):
    picture(tmp_path / "a.png")
    np.save(tmp_path / "b.npy", ZEROS)
    (tmp_path / "notes.txt").write_text("not read")
    words, found = read(tmp_path)
    assert (words, len(found)) == (f"3 images of {tmp_path}", 3)


# --- what is refused ------------------------------------------------------------------------------


def refusal(given, shape=SHAPE):
    with pytest.raises(BadInput) as refused:
        read(given, shape)
    return str(refused.value)


@pytest.mark.parametrize(
    ("given", "sizes"),
    [
        (np.zeros((3, 5, 5)), "3×5×5"),
        (np.zeros((1, 4, 4, 3)), "4×4×3"),
        (np.zeros((1, 2, 3, 4, 4)), "2×3×4×4"),
        (3, "of a single number"),
    ],
)
def test_another_size(given, sizes):
    assert refusal(given) == (
        f"images: an image has the sizes {sizes}, and the network takes 3×4×4, its channels first; "
        "resize it, or give --res of its size"
    )


def test_a_picture_of_another_size_is_named(tmp_path):
    path = picture(tmp_path / "a.png", size=(6, 5))
    assert refusal(tmp_path) == (
        f"{path}: an image has the sizes 3×5×6, and the network takes 3×4×4, its channels first; "
        "resize it, or give --res of its size"
    )


@pytest.mark.parametrize("given", [ZEROS[:0], []])
def test_none(given):
    assert refusal(given) == "there is no image in an array; give at least one"


@pytest.mark.parametrize("name", ["none", ""])
def test_a_folder_that_is_not_there(name):
    assert refusal(name) == (
        f"there is no folder or file '{name}'; give the images to calibrate with"
    )


def test_a_folder_without_images(tmp_path):
    (tmp_path / "notes.txt").write_text("none")
    assert refusal(str(tmp_path)) == (
        f"there is no image in {tmp_path}; give a folder with files that end in {ENDINGS}"
    )
    (tmp_path / "cats").mkdir()
    picture(tmp_path / "cats" / "a.png")
    assert refusal(str(tmp_path)) == (
        f"there is no image in {tmp_path}, whose own folders are not looked into; give a folder "
        f"with files that end in {ENDINGS}"
    )
    assert refusal(str(tmp_path / "notes.txt")).startswith("there is no image in ")


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (np.array(["a", "b"]), "<U1"),
        (ZEROS.astype(bool), "bool"),
        (ZEROS.astype(complex), "complex128"),
        ({"x": ZEROS}, "object"),
    ],
)
def test_other_types(given, kind):
    assert refusal(given) == f"images: values of type {kind} are no image; give float32"


def test_lists_of_different_images():
    said = refusal([ZEROS[0], ZEROS[0, :, :2]])
    assert said.startswith("the images are no array (")
    assert said.endswith("); give one of the sizes N, C, H, W, or a folder")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite(value, tmp_path):
    np.save(tmp_path / "a.npy", np.full_like(ZEROS, value))
    assert refusal(tmp_path) == (
        f"{tmp_path / 'a.npy'}: an image has values that are not finite, and so no range; leave it "
        "out"
    )


@pytest.mark.parametrize("mode", ["I", "I;16", "F"])
def test_pictures_of_more_bits(mode, tmp_path):
    path = picture(tmp_path / "a.tiff", mode).rename(tmp_path / "a.png")
    assert refusal(path) == (
        f"{path} is a picture whose values have not 8 bits (its mode is {mode}); save it with 8 "
        "bits, or as an array with numpy.save"
    )


def test_files_that_are_no_image(tmp_path):
    whole = picture(tmp_path / "a.png", size=(64, 64)).read_bytes()
    for content in (b"", b"none", whole[:60]):
        (tmp_path / "a.png").write_bytes(content)
        assert refusal(tmp_path) == (
            f"{tmp_path / 'a.png'} is no image that can be read; leave it out"
        )
    (tmp_path / "a.png").unlink()
    np.save(tmp_path / "a.npy", np.array([{}], dtype=object), allow_pickle=True)
    assert refusal(tmp_path).startswith(f"{tmp_path / 'a.npy'} holds no array (")


def test_pictures_need_pillow(tmp_path, monkeypatch):
    path = picture(tmp_path / "a.png")
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert refusal(path) == (
        "this needs PIL, but PIL cannot be imported; install it with: pip install 'pillow>=10', or "
        "in a clone of flopscope with: make setup"
    )
