"""ebcc cache: what is in it, what is damaged, and that it can be emptied."""
import os
import time

import pytest
from clirun import environment, run, run_json

SOURCE = "TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) { return 0; }"


@pytest.fixture
def cache(tmp_path):
    """The directory of a cache with what compiling one source left, and the environment that names it."""
    directory = tmp_path / "cache"
    variables = environment(EBCC_CACHE=directory)
    source = tmp_path / "a source.c"
    source.write_text(SOURCE)
    run("build", source, env=variables)
    return directory, variables, source


def files(directory):
    return {path.name: path for path in directory.iterdir() if path.is_file()}


def test_list(cache):
    """Each file of the directory, with its size and when it was used; the object says its source."""
    directory, variables, source = cache
    listed = run_json("cache", "list", env=variables)
    assert listed["directory"] == str(directory)
    found = files(directory)
    assert {entry["name"]: entry["size"] for entry in listed["entries"]} == {name: path.stat().st_size for name, path in found.items()}
    assert listed["size"] == sum(path.stat().st_size for path in found.values())
    kinds = [entry["kind"] for entry in listed["entries"]]
    assert kinds.count("answer") == 2 and kinds.count("manifest") == 2  # one for each pipeline
    for entry in listed["entries"]:
        assert entry["name"].endswith("." + entry["kind"]) and entry["state"] == "valid"
        assert entry["source"] == (source.name if entry["kind"] == "answer" else None)
        assert abs(entry["used"] - time.time()) < 3600
    lines = run("cache", "list", env=variables)[0].decode().splitlines()
    assert sum(line.endswith("  " + source.name) for line in lines) == 2
    assert lines[-1].startswith(f"{len(found)} entries, ") and lines[-1].endswith(str(directory))


def test_order(cache):
    """The most recently used one is first."""
    directory, variables, _ = cache
    paths = list(files(directory).values())
    for age, path in enumerate(paths):
        os.utime(path, (1e9 - age, 1e9 - age))
    listed = run_json("cache", "list", env=variables)["entries"]
    assert [entry["name"] for entry in listed] == [path.name for path in paths]
    assert [entry["used"] for entry in listed] == [10**9 - age for age in range(len(paths))]


def test_other_files(cache):
    """What is not an entry is neither listed nor removed."""
    directory, variables, _ = cache
    (directory / "README").write_text("x")
    (directory / ("0" * 32)).write_text("x")
    (directory / ("0" * 33 + ".answer")).write_text("x")
    (directory / "headers").mkdir()
    names = {entry["name"] for entry in run_json("cache", "list", env=variables)["entries"]}
    assert names == set(files(directory)) - {"README", "0" * 32, "0" * 33 + ".answer"}
    run("cache", "clear", env=variables)
    assert set(files(directory)) == {"README", "0" * 32, "0" * 33 + ".answer"} and (directory / "headers").is_dir()


def damage(path, how):
    data = path.read_bytes()
    if how == "flipped":
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    elif how == "truncated":
        path.write_bytes(data[:-1])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "renamed":  # the bytes of another entry
        other = path.with_name("0" * 32 + path.suffix)
        path.rename(other)
        return other.name
    return path.name


@pytest.mark.parametrize("how", ["flipped", "truncated", "empty", "renamed"])
@pytest.mark.parametrize("kind", ["answer", "manifest"])
def test_damaged(cache, kind, how):
    """verify finds it, says so, has status 1, and leaves it where it is."""
    directory, variables, source = cache
    count = len(files(directory))
    report = run_json("cache", "verify", env=variables)
    assert (report["checked"], report["unusable_count"], report["unusable"]) == (count, 0, [])
    name = damage(next(path for path in files(directory).values() if path.suffix == "." + kind), how)
    report = run_json("cache", "verify", env=variables, status=1)
    assert (report["checked"], report["unusable_count"]) == (count, 1)
    assert [(entry["name"], entry["state"]) for entry in report["unusable"]] == [(name, "damaged")]
    output, _ = run("cache", "verify", env=variables, status=1)
    assert b"damaged" in output and name.split(".")[0].encode() in output and b"1 unusable" in output
    assert name in files(directory)
    states = {entry["name"]: entry["state"] for entry in run_json("cache", "list", env=variables)["entries"]}
    assert [name for name, state in states.items() if state != "valid"] == [name]
    run("build", source, env=variables)  # works all the same


def test_foreign(cache):
    """An entry that others can write to is not used, and verify says so."""
    directory, variables, _ = cache
    path = next(iter(files(directory).values()))
    path.chmod(0o666)
    (entry,) = run_json("cache", "verify", env=variables, status=1)["unusable"]
    assert (entry["name"], entry["state"]) == (path.name, "foreign")


def test_clear(cache):
    directory, variables, _ = cache
    count, size = len(files(directory)), sum(path.stat().st_size for path in files(directory).values())
    assert run_json("cache", "clear", env=variables) == {"directory": str(directory), "removed": count, "size": size}
    assert not files(directory)
    assert run_json("cache", "list", env=variables)["entries"] == []
    assert run("cache", "verify", env=variables)[0] == b"0 checked, 0 unusable\n"
    assert run("cache", "clear", env=variables)[0].startswith(b"0 entries removed")


def test_unusable_directory(tmp_path):
    """One that is off, or that others can write to, is a failure with the reason."""
    assert b"off" in run("cache", "list", env=environment(EBCC_CACHE="off"), status=1)[1]
    assert b"not an absolute path" in run("cache", "list", env=environment(EBCC_CACHE="relative"), status=1)[1]
    (tmp_path / "open").mkdir(mode=0o777)
    (tmp_path / "open").chmod(0o777)
    assert b"others own it, or can write to it" in run("cache", "list", env=environment(EBCC_CACHE=tmp_path / "open"), status=1)[1]
