# SPDX-License-Identifier: Apache-2.0
"""The typing stubs agree with the package: they declare all of its names and no others, with the same
parameters, and defaults for the same ones."""

import ast
import ctypes as ct
import importlib
import inspect
import os
import subprocess

import pytest

import bcc
import ebcc

FOLDER = os.path.dirname(os.path.dirname(ebcc.__file__))
STUBS = sorted("%s.%s" % (package, name[:-4]) for package in ("bcc", "ebcc")
               for name in os.listdir(os.path.join(FOLDER, package)) if name.endswith(".pyi"))

# Names that are inherited from these are not declared in stubs.
BASES = (object, Exception, ValueError, MemoryError, ct.Structure, dict)


def module_of(stub):
    return importlib.import_module(stub.removesuffix(".__init__"))


def tree(stub):
    with open(os.path.join(FOLDER, stub.replace(".", "/") + ".pyi"), encoding="utf-8") as file:
        return ast.parse(file.read())


def declared(body):
    """{name: node} of a stub's module or class."""
    names = {}
    for node in body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            names[node.name] = node
        elif isinstance(node, ast.AnnAssign):
            names[node.target.id] = node
        elif isinstance(node, ast.ImportFrom):
            names.update({alias.asname: node for alias in node.names if alias.asname})
    return {name: node for name, node in names.items()
            if not name.startswith("_") or name.startswith("__")}


def parameters(node):
    """[(name, kind, has a default)] as declared in a stub."""
    args = node.args
    plain = [(arg.arg, "plain") for arg in args.args]
    defaults = [False] * (len(plain) - len(args.defaults)) + [True] * len(args.defaults)
    only = [(arg.arg, "keyword", default is not None)
            for arg, default in zip(args.kwonlyargs, args.kw_defaults)]
    rest = [(args.vararg.arg, "rest", False)] if args.vararg else []
    return [(*name, default) for name, default in zip(plain, defaults)] + rest + only


def real_parameters(function):
    kinds = {inspect.Parameter.POSITIONAL_OR_KEYWORD: "plain",
             inspect.Parameter.KEYWORD_ONLY: "keyword", inspect.Parameter.VAR_POSITIONAL: "rest"}
    return [(parameter.name, kinds[parameter.kind],
             parameter.default is not inspect.Parameter.empty)
            for parameter in inspect.signature(function).parameters.values()]


def compare(where, owner, body):
    for name, node in declared(body).items():
        if name == "__init__" and not inspect.isfunction(getattr(owner, name)):
            continue
        assert hasattr(owner, name) or is_instance_attribute(owner, node), "%s.%s" % (where, name)
        value = inspect.getattr_static(owner, name, None)
        function = getattr(value, "__func__", value)
        if isinstance(node, ast.FunctionDef) and inspect.isfunction(function):
            assert parameters(node) == real_parameters(function), "%s.%s" % (where, name)
        if isinstance(node, ast.ClassDef):
            compare("%s.%s" % (where, name), getattr(owner, name), node.body)


def is_instance_attribute(owner, node):
    """Whether only instances have this attribute."""
    return inspect.isclass(owner) and isinstance(node, ast.AnnAssign)


@pytest.mark.parametrize("stub", STUBS)
def test_names_in_stubs_exist(stub):
    compare(stub, module_of(stub), tree(stub).body)


def public(owner):
    return {name for name in dir(owner) if not name.startswith("_")
            and not any(name in dir(base) for base in BASES)}


# Base classes that another stub declares.
BASES_ELSEWHERE = {"Table": "ebcc._ebcc"}
# Base classes without a stub: their module is generated at build time, and contains plain numbers.
GENERATED = {"BPFProgType": ebcc.BPFProgType, "XDPAction": ebcc.XDPAction}


def class_names(stub, name):
    """The public names that the stubs declare in a class and in its bases."""
    body = {node.name: node for node in tree(stub).body if isinstance(node, ast.ClassDef)}
    node = body[name]
    names = set(declared(node.body))
    for base in node.bases:
        base_name = getattr(base, "id", getattr(base, "attr", None))
        if base_name in body:
            names |= class_names(stub, base_name)
        elif base_name in BASES_ELSEWHERE:
            names |= class_names(BASES_ELSEWHERE[base_name], base_name)
        elif base_name in GENERATED:
            names |= public(GENERATED[base_name])
    return names


@pytest.mark.parametrize("stub, name", [
    ("ebcc.bpf", "BPF"), ("ebcc.bpf", "Function"), ("ebcc.table", "HashTable"),
    ("ebcc.table", "PerCpuArray"), ("ebcc.table", "PerfEventArray"), ("ebcc.table", "RingBuf"),
    ("ebcc.table", "StackTrace"), ("ebcc.table", "QueueStack"), ("ebcc.table", "FileDesc"),
    ("ebcc._ebcc", "Program"), ("ebcc._ebcc", "Link"), ("ebcc._ebcc", "Module"),
    ("ebcc._ebcc", "Table"), ("ebcc._ebcc", "Error"), ("bcc.utils", "StrcmpRewrite")])
def test_names_in_classes_are_declared(stub, name):
    owner = getattr(module_of(stub), name)
    mapping = {"pop", "popitem", "setdefault", "update", "keys", "values", "items", "get"}
    assert public(owner) - class_names(stub, name) - mapping == set()


@pytest.mark.parametrize("package", [bcc, ebcc])
def test_exported_names_are_declared(package):
    names = declared(tree(package.__name__ + ".__init__").body)
    assert set(package.__all__) - set(names) == set()
    assert os.path.exists(os.path.join(FOLDER, package.__name__, "py.typed"))


# Lines of a script. A type checker must reject each of them.
MISTAKES = """
b["counts"].itmes()
b["events"].open_perf_buffer(5)
b.attach_kprobe(evnt="f")
b.perf_buffer_poll("100")
BPF(text=5)
ebcc.no_such_name
BPF.find_library("c").upper()
for key in b["counts"].items(): key.value
"""


def type_check(script, tmp_path):
    return subprocess.run(["/usr/bin/mypy", "--strict", "--python-executable", "/usr/bin/python3", "--cache-dir",
                           str(tmp_path / "cache"), script], env={**os.environ, "MYPYPATH": FOLDER},
                          capture_output=True, text=True, check=False).stdout


def test_script_passes_the_type_checker(tmp_path):
    """A script that uses the whole interface passes a strict check, as do the stubs; mistakes are found."""
    script = os.path.join(os.path.dirname(__file__), "typed_script.py")
    assert type_check(script, tmp_path) == "Success: no issues found in 1 source file\n"
    lines = MISTAKES.strip().splitlines()
    wrong = tmp_path / "wrong.py"
    wrong.write_text("import ebcc\nfrom ebcc import BPF\nb = BPF(text='')\n" + "\n".join(lines) + "\n")
    found = {int(line.split(":")[1]) for line in type_check(str(wrong), tmp_path).splitlines() if ": error: " in line}
    assert found == set(range(4, 4 + len(lines)))
