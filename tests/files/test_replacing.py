"""A file is replaced as a whole or not at all."""

import pytest


def test_replacing_keeps_the_old_file_when_writing_fails(tmp_path):
    from gluonvae.files import replacing

    path = tmp_path / "a" / "x.txt"
    with replacing(path) as part:
        part.write_text("old")

    def fail():
        with replacing(path) as part:
            part.write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert path.read_text() == "old"
    assert [p.name for p in path.parent.iterdir()] == ["x.txt"]
