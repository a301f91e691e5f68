"""Files for their owner alone: whatever the umask is, and whatever somebody has put in their place."""

import os
import stat
from pathlib import Path

import pytest

from farebox import own_files
from farebox.own_files import NotOwn

posix_only = pytest.mark.skipif(os.name != "posix", reason="modes, owners and links as POSIX has them")
root_only = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away"
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@posix_only
def test_whatever_is_made_is_for_its_owner_alone_though_the_umask_forbids_nothing(tmp_path: Path):
    before = os.umask(0)
    try:
        folder = tmp_path / "one" / "two" / "three"
        own_files.make_folder(folder)
        os.close(own_files.create(folder / "created"))
        os.close(own_files.open_to_add(folder / "opened"))
        own_files.replace(folder / "replaced", b"text")
    finally:
        os.umask(before)
    assert {mode(one) for one in (folder, folder.parent, folder.parent.parent)} == {0o700}
    assert {path.name: mode(path) for path in folder.iterdir()} == dict.fromkeys(
        ("created", "opened", "replaced"), 0o600
    )


def test_a_folder_that_is_there_stays_as_it_is(tmp_path: Path):
    before = mode(tmp_path)
    own_files.make_folder(tmp_path)
    assert mode(tmp_path) == before


@posix_only
@pytest.mark.parametrize(("bits", "is_open"), [(0o700, False), (0o755, False), (0o720, True), (0o702, True)])
def test_a_folder_that_others_can_write_to_is_told_apart(tmp_path: Path, bits: int, is_open: bool):
    folder = tmp_path / "folder"
    assert not own_files.is_open_to_others(folder)
    folder.mkdir()
    folder.chmod(bits)
    assert own_files.is_open_to_others(folder) == is_open


def test_a_new_file_takes_no_name_that_is_taken(tmp_path: Path):
    (tmp_path / "file").write_text("theirs", "utf-8")
    with pytest.raises(FileExistsError):
        own_files.create(tmp_path / "file")
    assert (tmp_path / "file").read_text("utf-8") == "theirs"


@posix_only
@pytest.mark.parametrize("target", ["there", "missing"])
def test_no_link_is_followed(tmp_path: Path, target: str):
    if target == "there":
        (tmp_path / "there").write_text("theirs", "utf-8")
        (tmp_path / "there").chmod(0o600)
    link = tmp_path / "link"
    link.symlink_to(tmp_path / target)
    for use in (own_files.create, own_files.open_to_add, lambda path: own_files.read(path, 9)):
        with pytest.raises(OSError, match=r"exist|link|plain"):
            use(link)
    with pytest.raises(NotOwn, match="not a plain file"):
        own_files.refuse_planted(link)
    own_files.replace(link, b"ours")
    assert (link.is_symlink(), link.read_bytes()) == (False, b"ours")
    assert (tmp_path / target).exists() == (target == "there")


@posix_only
def test_a_pipe_is_refused_at_once_instead_of_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe", 0o600)
    for use in (own_files.open_to_add, own_files.refuse_planted, lambda path: own_files.read(path, 9)):
        with pytest.raises(NotOwn, match="not a plain file"):
            use(tmp_path / "pipe")


@posix_only
@pytest.mark.parametrize("bits", [0o640, 0o602, 0o666], ids=oct)
def test_a_file_that_others_can_read_or_write_is_refused(tmp_path: Path, bits: int):
    file = tmp_path / "file"
    file.write_text("text", "utf-8")
    file.chmod(bits)
    with pytest.raises(NotOwn, match="can be read by others"):
        own_files.read(file, 9)
    own_files.refuse_planted(file)


@root_only
def test_a_file_of_somebody_else_is_refused(tmp_path: Path):
    file = tmp_path / "file"
    file.write_text("text", "utf-8")
    file.chmod(0o600)
    os.chown(file, 12345, 12345)
    for use in (own_files.open_to_add, own_files.refuse_planted, lambda path: own_files.read(path, 9)):
        with pytest.raises(NotOwn, match="belongs to somebody else"):
            use(file)


def test_a_file_is_read_up_to_a_size_and_one_that_is_missing_is_named_so(tmp_path: Path):
    own_files.replace(tmp_path / "file", b"0123456789")
    assert own_files.read(tmp_path / "file", 4) == b"0123"
    own_files.refuse_planted(tmp_path / "missing")
    with pytest.raises(FileNotFoundError):
        own_files.read(tmp_path / "missing", 4)


def test_what_can_not_be_written_leaves_nothing_behind(tmp_path: Path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "in-it").touch()
    with pytest.raises(OSError, match=r"irectory|denied"):
        own_files.replace(tmp_path / "folder", b"text")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
