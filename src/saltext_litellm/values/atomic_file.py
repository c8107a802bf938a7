"""Writes a file completely or not at all, for its owner only. Replaces a file only if asked to."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile

from ..errors import InvalidInput, Refused
from . import checks


def writable_path(name: str, value: object, overwrite: bool) -> str:
    """The absolute path of a file that may be written.

    :param name: The name of the argument, for messages.
    :param overwrite: Whether an existing file may be replaced.
    :raises Refused: Something else is at this path, or its folder does not exist.
    """
    path = os.path.abspath(os.path.expanduser(checks.text(name, value)))
    folder = os.path.dirname(path)
    try:
        if not os.path.isdir(folder):
            raise Refused(f"There is no folder {folder}")
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return path
    except OSError as err:
        raise Refused(f"{path} cannot be written: {err.strerror}") from None
    except ValueError:
        raise InvalidInput(f"{name} has characters that no path can have") from None
    for is_kind, kind in ((stat.S_ISLNK, "symbolic link"), (stat.S_ISDIR, "folder")):
        if is_kind(mode):
            raise Refused(f"{path} is a {kind}, over which no file is written")
    if not stat.S_ISREG(mode):
        raise Refused(f"{path} is no regular file, and so is left alone")
    if not overwrite:
        raise Refused(f"{path} is there already, and is replaced only with overwrite=True")
    return path


def write(path: str, text: str, overwrite: bool) -> None:
    """Write a file to a path that :func:`writable_path` has returned.

    :raises Refused: The file cannot be written, or another file is there by now.
    """
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".", suffix=".new")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if overwrite:
            os.replace(temporary, path)
        else:
            os.link(temporary, path)  # unlike a rename, a link never replaces a file
    except FileExistsError:
        raise Refused(f"{path} is there by now, and so is left alone") from None
    except OSError as err:
        raise Refused(f"{path} cannot be written: {err.strerror}") from None
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
