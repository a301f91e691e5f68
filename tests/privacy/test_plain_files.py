"""Reading what anyone may have put there."""

import os
from pathlib import Path

import pytest

from farebox.privacy import read_plain


def test_a_plain_file_is_read_within_a_bound(tmp_path: Path):
    file = tmp_path / "a"
    file.write_bytes(b"x" * 10)
    assert read_plain(str(file), 10) == b"x" * 10
    assert read_plain(str(file), 9) is None
    assert read_plain(str(tmp_path), 10) is None
    assert read_plain(str(tmp_path / "nothing"), 10) is None
    assert read_plain("a\0b", 10) is None


@pytest.mark.skipif(os.name != "posix", reason="links and pipes are others on Windows")
def test_a_link_or_a_pipe_is_neither_read_nor_waited_for(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "link").symlink_to("a")
    os.mkfifo(tmp_path / "pipe")
    assert read_plain(str(tmp_path / "link"), 10) is None
    assert read_plain(str(tmp_path / "pipe"), 10) is None
