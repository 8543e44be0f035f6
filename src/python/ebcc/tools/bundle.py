# SPDX-License-Identifier: Apache-2.0
"""`ebcc bundle`: writes scripts and what they compile into files that run without a compiler."""
import ast
import json
import modulefinder
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import zipapp

from . import cli
from .. import _ebcc

DESCRIPTION = """\
Makes a bundle of a Python script: one file with the script, the modules beside it, and the objects of
the BPF sources that it compiles. It runs on any machine that has ebcc's Python package of the same
version, without a compiler and without kernel headers, on kernels from 5.10 on.

The script is started to see what it compiles, and ends there, before anything is loaded into the
kernel. With --run it goes on, so that all of what it compiles is recorded. The bundled tools compile
all of their variants instead."""

EXAMPLES = """\
examples:
  ebcc bundle opensnoop                   the tool, as opensnoop.pyz
  ebcc bundle trace.py -o trace.pyz       a script
  ebcc bundle trace.py -- -p 1            a script that compiles when it is called so
  ebcc bundle --run --duration 5 both.py  one that compiles more than once
  ebcc bundle --store objects *.py        only the objects, for EBCC_OBJECTS
"""

START = """\
# Starts the script of this bundle. `ebcc bundle` wrote it.
import sys

try:
    from ebcc import bundle
except ImportError as error:
    sys.exit(f"{{sys.argv[0]}}: this needs the Python package ebcc, version {version} (of the same "
             f"name in pip, python3-ebcc in Debian): {{error}}")
bundle.run(__loader__)
"""

# How long a script may take to end after it was interrupted.
GRACE_SECONDS = 10


def parse_arguments(arguments):
    """The parsed arguments; those behind "--" are the script's."""
    own, script = arguments, []
    if "--" in arguments:
        at = arguments.index("--")
        own, script = arguments[:at], arguments[at + 1:]
    parser = cli.ArgumentParser(
        traces=False, prog="ebcc bundle", description=DESCRIPTION, epilog=EXAMPLES,
        usage="%(prog)s [OPTION]... SCRIPT... [-- ARGUMENT...]")
    parser.add_argument("scripts", nargs="+", metavar="SCRIPT",
                        help="a Python script, or the name of a tool")
    parser.add_argument("-o", "--output", metavar="FILE",
                        help="the bundle (default: the script's name with .pyz, here)")
    parser.add_argument("--store", metavar="DIRECTORY",
                        help="write no bundle: add the objects to this object store")
    parser.add_argument("-p", "--python", default="/usr/bin/python3", metavar="INTERPRETER",
                        help="what the bundle is started with (default: %(default)s)")
    parser.add_argument("--run", action="store_true",
                        help="let the script run to its end, or until Ctrl-C")
    parser.add_argument("--duration", type=cli.seconds, metavar="SECONDS",
                        help="with --run: interrupt the script after this time")
    parser.add_argument("--kernel-root", default="", metavar="DIRECTORY",
                        help="compile against the kernel that this directory describes")
    args = parser.parse_args(own)
    args.arguments = script
    if args.output and (args.store or len(args.scripts) > 1):
        parser.error("--output is for one bundle")
    if script and len(args.scripts) > 1:
        parser.error("arguments can be given to one script only")
    if args.duration and not args.run:
        parser.error("--duration needs --run")
    return args


def find_script(name):
    """The path of a script, or of the tool of that name. Raises Failure."""
    beside = os.path.dirname(os.path.abspath(sys.argv[0]))
    places = [name] if "/" in name else [name, os.path.join(beside, "tools", name)] + [
        os.path.join(beside, "../../sbin", prefix + name) for prefix in ("ebcc-", "")]
    for path in places:
        if os.path.isfile(path):
            return path
    raise cli.Failure(f"there is neither a script nor a tool {name!r}")


def parse_script(path):
    """The syntax tree of a script; None if it is not written in Python. Raises Failure."""
    with open(path, "rb") as file:
        source = file.read()
    if source.startswith(b"#!") and b"python" not in source.split(b"\n", 1)[0]:
        return None
    try:
        return ast.parse(source, path)
    except SyntaxError as error:
        raise cli.Failure(f"{path} is not a Python script: line {error.lineno}: {error.msg}") from None
    except ValueError as error:
        raise cli.Failure(f"{path} is not a Python script: {error}") from None


def imports_of(tree):
    """The names of the modules that a script imports, as it writes them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module


def record(args, path, tree, store, report):
    """Lets a script compile. Adds the objects to a store, and the files that it names to a report."""
    arguments = args.arguments
    mode = "run" if args.run else "first"
    if tree is None or "ebcc.tools" in imports_of(tree):
        # What the tools have for this: all of their sources, and nothing else.
        arguments = ["--compile-variants"] + [args.kernel_root] * bool(args.kernel_root)
        mode = "run"
    command = [path, *arguments] if tree is None else [
        sys.executable, "-m", "ebcc.tools.record", report, mode, args.kernel_root, path, *arguments]
    # It gets Ctrl-C too, and decides what follows.
    with cli.NotedInterrupts() as interrupts:
        child = subprocess.Popen(command, env={**os.environ, "EBCC_RECORD": store})
        try:
            status = child.wait(args.duration)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGINT)
            try:
                status = child.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                status = child.wait()
    if status and not interrupts.noted and not args.duration:
        how = f"with status {status}" if status > 0 else f"by signal {-status}"
        raise cli.Failure(f"{path} ended {how} before it was recorded: give it what it needs to "
                          "compile (-- ARGUMENT...)")


def objects_in(store):
    """The paths of the objects in a store."""
    return sorted(entry.path for entry in os.scandir(store) if entry.name.endswith(".object"))


def modules_of(path):
    """{path in the bundle: file} of the modules that a script imports from its own directory."""
    directory = os.path.dirname(os.path.abspath(path))
    finder = modulefinder.ModuleFinder(path=[directory])
    finder.run_script(path)
    return {os.path.relpath(module.__file__, directory): module.__file__
            for name, module in finder.modules.items()
            if name != "__main__" and module.__file__}


def others_of(tree, modules):
    """The modules that a script imports and that must be on the other machine: neither Python's nor
    ebcc's, nor in the bundle."""
    own = {path.split("/")[0].removesuffix(".py") for path in modules}
    names = {name.split(".")[0] for name in imports_of(tree)}
    return sorted(names - set(sys.stdlib_module_names) - own - {"ebcc", "bcc"})


def copy(files, directory):
    """Copies files. files: {path below the directory: file}."""
    for name, file in files.items():
        target = os.path.join(directory, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(file, target)


def write_bundle(args, path, tree, store, report):
    """Writes the bundle; returns (path, modules that it doesn't have)."""
    name = os.path.basename(path)
    output = args.output or os.path.splitext(name)[0].removeprefix("ebcc-") + ".pyz"
    modules = modules_of(path)
    with open(report, encoding="utf-8") as file:
        files = json.load(file)
    with tempfile.TemporaryDirectory() as directory:
        copy({**modules, f"_script/{name}": path,
              **{f"_files/{i}": file for i, file in enumerate(files.values())}}, directory)
        with open(f"{directory}/objects", "wb") as file:
            for entry in objects_in(store):
                with open(entry, "rb") as source:
                    shutil.copyfileobj(source, file)
        with open(f"{directory}/bundle.json", "w", encoding="utf-8") as file:
            json.dump({"script": name, "version": _ebcc.version, "files": list(files)}, file)
        with open(f"{directory}/__main__.py", "w", encoding="utf-8") as file:
            file.write(START.format(version=_ebcc.version))
        zipapp.create_archive(directory, output, interpreter=args.python, compressed=True)
    os.chmod(output, 0o755)
    return output, others_of(tree, modules)


def bundle(args, name):
    """Bundles a script, or adds its objects to a store."""
    path = find_script(name)
    tree = parse_script(path)
    if tree is None and not args.store:
        raise cli.Failure(f"{path} is not a Python script; its objects can be added to a store "
                          "(--store)")
    with tempfile.TemporaryDirectory() as directory:
        store, report = f"{directory}/store", f"{directory}/report"
        os.mkdir(store, 0o700)
        record(args, path, tree, store, report)
        objects = objects_in(store)
        if not objects:
            raise cli.Failure(f"{path} ended before it compiled anything: give it what it needs to "
                              "compile (-- ARGUMENT...)")
        count = f"{len(objects)} object{'s' * (len(objects) > 1)}"
        if args.store:
            os.makedirs(args.store, exist_ok=True)
            copy({os.path.basename(entry): entry for entry in objects}, args.store)
            return f"{path}: {count} in {args.store}\n"
        output, others = write_bundle(args, path, tree, store, report)
    size = os.path.getsize(output)
    note = f"; it needs {', '.join(others)} there too" if others else ""
    return f"{output}: {(size + 999) // 1000} kB, {count}{note}\n"


def main():
    args = parse_arguments(sys.argv[1:])
    with cli.Progress() as progress:
        for name in args.scripts:
            progress.note(f"compiling what {name} compiles")
            line = bundle(args, name)
            progress.clear()
            cli.write(line.encode("utf-8", "surrogateescape"))
            cli.flush()


