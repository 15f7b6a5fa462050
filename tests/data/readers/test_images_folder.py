"""Which files of a folder are images, of what part and class."""

import os
import shutil
import socket
from pathlib import Path

import numpy as np
import pytest

from gluonvae.data import DataError
from gluonvae.data.readers.base import IMAGES
from gluonvae.data.readers.image_decoding import attempt, read_header
from gluonvae.data.readers.image_folder import ImageFile
from gluonvae.data.readers.images import READER
from tests.helpers.pictures import contents, grey, images, save


def labels(folder):
    return {part: None if rows.labels is None else list(rows.labels) for part, rows in contents(folder).parts.items()}


@pytest.fixture
def ten(tmp_path):
    """A folder of ten images, with values 0 to 9."""
    for value in range(10):
        save(tmp_path / "ten" / f"{value}.png", grey(value))
    return tmp_path / "ten"


def firsts(folder, part="train"):
    return images(folder, part)[:, 0, 0].tolist()


class TestIgnored:
    def copies(self, folder, name):
        shutil.copytree(folder, folder.parent / "copy")
        (folder / name).parent.mkdir(exist_ok=True)
        (folder.parent / "copy").rename(folder / name)

    @pytest.mark.parametrize(
        "name",
        [
            ".ipynb_checkpoints",
            ".git/x",
            ".thumbnails",
            "__MACOSX",
            "@eaDir",
            "more/.cache",
            "$RECYCLE.BIN",
            "lost+found",
        ],
    )
    def test_folders(self, ten, name):
        self.copies(ten, name)
        assert firsts(ten) == list(range(10))

    @pytest.mark.parametrize(
        "name", ["._0.png", ".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX/._0.png", "~lock.png", "~$x.png"]
    )
    def test_files(self, ten, name, caplog):
        (ten / name).parent.mkdir(exist_ok=True)
        (ten / name).write_bytes(os.urandom(200))
        assert firsts(ten) == list(range(10))
        assert not caplog.messages

    def test_a_folder_called_like_an_image(self, ten):
        (ten / "old.png").mkdir()
        assert firsts(ten) == list(range(10))

    def test_a_folder_that_is_hidden_itself(self, ten):
        assert firsts(ten.rename(ten.parent / ".hidden")) == list(range(10))

    def test_other_files_are_counted(self, ten, caplog):
        for name in ("a.txt", "b.txt", "README"):
            (ten / name).write_text("words")
        assert firsts(ten) == list(range(10))
        (message,) = caplog.messages
        assert "3 files that are no images are left out (2 .txt, 1 without suffix)" in message

    @pytest.mark.parametrize(
        "name", ["test.npy", "labels.npy", "labels.csv", "LABELS.CSV", "x/labels.tsv", "all.npz", "a.csv.gz"]
    )
    def test_data_files_are_no_others(self, ten, name):
        (ten / name).parent.mkdir(exist_ok=True)
        (ten / name).write_bytes(b"")
        with pytest.raises(DataError, match=rf"{name} lies among images and would not be used: move it out of"):
            contents(ten)

    @pytest.mark.parametrize("name", ["photo.heic", "a/photo.AVIF", "raw.NEF"])
    def test_images_that_are_not_read_are_no_others(self, ten, name):
        (ten / name).parent.mkdir(exist_ok=True)
        (ten / name).write_bytes(b"x")
        with pytest.raises(DataError, match=r"format that is not read: convert it to PNG or JPEG"):
            contents(ten)

    def test_nothing_but_images_that_are_not_read(self, tmp_path):
        (tmp_path / "photo.heic").write_bytes(b"x")
        assert READER.recognises(tmp_path)
        with pytest.raises(DataError, match=r"photo\.heic is an image of a format that is not read"):
            contents(tmp_path)


class TestParts:
    def test_inside_classes(self, tmp_path):
        for name in ("cat/train", "cat/test", "dog/train", "dog/test"):
            save(tmp_path / name / "0.png", grey(1))
        with pytest.raises(DataError, match=r"cat.train|cat.test, a part inside a class: put the parts on top"):
            contents(tmp_path)

    @pytest.mark.parametrize(
        ("names", "parts"),
        [
            (("train", "valid", "test"), ("train", "valid", "test")),
            (("training", "validation", "testing"), ("train", "valid", "test")),
            (("Train", "VAL"), ("train", "valid")),
            (("train", "test"), ("train", "test")),
            (("train",), ("train",)),
            (("data/train", "data/test"), ("train", "test")),
        ],
    )
    def test_by_name(self, tmp_path, names, parts):
        for value, name in enumerate(names):
            for index in range(3):
                save(tmp_path / name / f"{index}.png", grey(10 * value + index))
        found = contents(tmp_path)
        assert tuple(found.parts) == parts
        assert (found.kind, found.white) == (IMAGES, 255)
        for value, part in enumerate(parts):
            assert firsts(tmp_path, part) == [10 * value, 10 * value + 1, 10 * value + 2]
            assert found.parts[part].labels is None

    def test_files_beside_them(self, tmp_path):
        save(tmp_path / "train" / "0.png", grey(0))
        save(tmp_path / "1.png", grey(0))
        with pytest.raises(DataError, match=r"holds the part train and beside it 1\.png, which is in no part"):
            contents(tmp_path)

    def test_classes_beside_them(self, tmp_path):
        for name in ("bus", "train"):
            save(tmp_path / name / "0.png", grey(0))
        with pytest.raises(DataError, match=r"the part train and beside it bus.*if all are classes"):
            contents(tmp_path)

    def test_two_names_of_one(self, tmp_path):
        for name in ("train", "val", "validation"):
            save(tmp_path / name / "0.png", grey(0))
        with pytest.raises(DataError, match="holds val and validation, which are one part"):
            contents(tmp_path)

    def test_no_train(self, tmp_path):
        save(tmp_path / "test" / "0.png", grey(0))
        with pytest.raises(DataError, match="holds test but no train"):
            contents(tmp_path)


class TestClasses:
    def test_folders_are_labels(self, tmp_path):
        for name, value in (("dog", 2), ("cat", 1), ("ähre", 3)):
            for index in range(2):
                save(tmp_path / name / f"{index}.png", grey(value))
        assert labels(tmp_path) == {"train": ["cat"] * 2 + ["dog"] * 2 + ["ähre"] * 2}
        assert firsts(tmp_path) == [1, 1, 2, 2, 3, 3]

    def test_in_parts_that_have_other_ones(self, tmp_path):
        for name in ("train/cat", "train/dog", "test/dog", "test/emu"):
            save(tmp_path / name / "0.png", grey(0))
        assert labels(tmp_path) == {"train": ["cat", "dog"], "test": ["dog", "emu"]}

    def test_a_part_without(self, tmp_path):
        for name in ("train/cat/0", "train/dog/0", "test/0", "test/1"):
            save(tmp_path / f"{name}.png", grey(0))
        assert labels(tmp_path) == {"train": ["cat", "dog"], "test": None}

    def test_deeper_folders_do_not_matter(self, tmp_path):
        for name in ("cat/a/0", "cat/b/c/0", "cat/0", "dog/a/0"):
            save(tmp_path / f"{name}.png", grey(0))
        assert labels(tmp_path) == {"train": ["cat"] * 3 + ["dog"]}

    @pytest.mark.parametrize("names", [("all/0", "all/1"), ("a/b/0", "a/b/1"), ("0", "1"), ("all/0",)])
    def test_a_folder_of_all_is_none(self, tmp_path, names):
        for name in names:
            save(tmp_path / f"{name}.png", grey(0))
        assert labels(tmp_path) == {"train": None}

    def test_a_folder_of_all_in_each_part_is_none(self, tmp_path):
        for name in ("train/images/0", "train/images/1", "test/images/0"):
            save(tmp_path / f"{name}.png", grey(0))
        assert labels(tmp_path) == {"train": None, "test": None}

    def test_in_a_folder_of_all(self, tmp_path):
        for name in ("set/cat/0", "set/dog/0"):
            save(tmp_path / f"{name}.png", grey(0))
        assert labels(tmp_path) == {"train": ["cat", "dog"]}

    @pytest.mark.parametrize("top", ["", "train/"])
    def test_files_beside_them(self, tmp_path, top):
        for name in ("cat/0", "0"):
            save(tmp_path / f"{top}{name}.png", grey(0))
        with pytest.raises(DataError, match=r"holds images, such as 0\.png, beside folders of images, such as cat"):
            contents(tmp_path)


class TestNames:
    def test_suffixes_in_any_case(self, tmp_path):
        for value, suffix in enumerate(("PNG", "Bmp", "TIFF", "GIF", "png")):
            save(tmp_path / f"{value}.{suffix}", grey(value))
        assert firsts(tmp_path) == [0, 1, 2, 3, 4]

    @pytest.mark.parametrize("name", [b"\xff\xfe.png", b"a\nb.png", b"\x1b[2J.png", "ключ.png".encode()])
    def test_any_bytes(self, tmp_path, name):
        path = Path(os.fsdecode(bytes(tmp_path) + b"/" + name))
        path.write_bytes(b"rubbish")
        with pytest.raises(DataError) as error:
            contents(tmp_path)
        message = str(error.value).encode("utf-8").decode()
        assert message.isprintable()
        assert ("ключ" in message) == (name == "ключ.png".encode())
        save(path, grey(7))
        assert firsts(tmp_path) == [7]

    def test_classes_of_any_bytes(self, tmp_path):
        for name in (b"\xff", b"dog"):
            save(Path(os.fsdecode(bytes(tmp_path) + b"/" + name)) / "0.png", grey(0))
        assert [os.fsencode(label) for label in labels(tmp_path)["train"]] == [b"dog", b"\xff"]


@pytest.mark.usefixtures("no_hang")
class TestLinks:
    def test_a_loop(self, ten):
        (ten / "loop").symlink_to(ten)
        (ten / "self.png").symlink_to("self.png")
        assert READER.recognises(ten)
        with pytest.raises(DataError, match=r"self\.png cannot be read"):
            contents(ten)
        (ten / "self.png").unlink()
        assert firsts(ten) == list(range(10))

    def test_many_loops(self, tmp_path):
        for name in range(12):
            save(tmp_path / f"{name:02}" / "0.png", grey(name))
            for other in range(12):
                (tmp_path / f"{name:02}" / f"to{other}").symlink_to(tmp_path / f"{other:02}")
        assert firsts(tmp_path) == list(range(12))

    def test_to_what_is_there_anyway(self, ten, caplog):
        (ten / "again.png").symlink_to("3.png")
        assert firsts(ten) == list(range(10))
        assert any("1 links to images that are there already are left out" in message for message in caplog.messages)

    @pytest.mark.parametrize("is_folder", [False, True])
    def test_to_what_is_hidden_within(self, tmp_path, is_folder):
        for value in range(2):
            save(tmp_path / ".store" / f"{value}.png", grey(value))
        if is_folder:
            (tmp_path / "shown").symlink_to(".store")
        else:
            for value in range(2):
                (tmp_path / f"x{value}.png").symlink_to(f".store/{value}.png")
        assert firsts(tmp_path) == [0, 1]

    @pytest.mark.parametrize("target", ["out.png", "out", "/dev/zero"])
    def test_out_of_the_folder(self, ten, target):
        save(ten.parent / "out.png", grey(0))
        save(ten.parent / "out" / "0.png", grey(0))
        (ten / "link.png").symlink_to(ten.parent / target)
        with pytest.raises(DataError, match=r"link\.png is a link that leads out of the folder, to /"):
            contents(ten)

    def test_a_name_that_begins_like_the_folder(self, ten):
        save(ten.parent / "tents" / "0.png", grey(0))
        (ten / "link.png").symlink_to("../tents/0.png")
        with pytest.raises(DataError, match="leads out of the folder"):
            contents(ten)

    def test_the_folder_may_be_one(self, ten):
        (ten.parent / "link").symlink_to(ten)
        assert firsts(ten.parent / "link") == list(range(10))

    def test_to_nothing(self, ten):
        (ten / "x.png").symlink_to("nothing.png")
        with pytest.raises(DataError, match=r"x\.png cannot be read"):
            contents(ten)
        assert len(images(ten, skip_broken=True)) == 10


@pytest.mark.usefixtures("no_hang")
class TestSpecialFiles:
    def test_a_pipe(self, ten):
        os.mkfifo(ten / "x.png")
        with pytest.raises(DataError, match=r"x\.png is a pipe, a socket or a device, not a file"):
            contents(ten)

    def test_a_socket(self, ten, monkeypatch):
        monkeypatch.chdir(ten)
        with socket.socket(socket.AF_UNIX) as one:
            one.bind("x.png")
            with pytest.raises(DataError, match=r"x\.png is a pipe, a socket"):
                contents(ten)

    @pytest.mark.parametrize("other", ["pipe", "link", "file"])
    def test_what_takes_the_place_of_a_file(self, ten, other):
        path = ten / "x.png"
        if other == "pipe":
            os.mkfifo(path)
        elif other == "link":
            path.symlink_to("0.png")
        else:
            save(path, grey(0))
        file = ImageFile(str(path), "x.png", str(path), (70, 1, 1), "train")
        error = attempt(read_header, file)
        assert isinstance(error, DataError)
        assert "x.png" in str(error)


class TestReader:
    def test_recognises_folders_with_images(self, ten, tmp_path):
        assert READER.recognises(ten)
        assert READER.recognises(tmp_path)
        assert not READER.recognises(ten / "0.png")
        assert not READER.recognises(tmp_path / "nothing")
        (tmp_path / "arrays").mkdir()
        np.save(tmp_path / "arrays" / "train.npy", grey(0))
        assert not READER.recognises(tmp_path / "arrays")

    def test_no_images(self, tmp_path):
        (tmp_path / "x.txt").write_text("words")
        with pytest.raises(DataError, match=r"holds no image files \(\.bmp, "):
            contents(tmp_path)

    def test_a_folder_that_is_not_there(self, tmp_path):
        with pytest.raises(DataError, match="nothing cannot be read: No such file or directory"):
            contents(tmp_path / "nothing")
