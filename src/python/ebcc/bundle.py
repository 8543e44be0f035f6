# SPDX-License-Identifier: Apache-2.0
"""The running side of bundles: `ebcc bundle` writes a script, its modules and its compiled objects into
one file, a zip application of Python, whose __main__.py calls run().

In the archive are

    __main__.py     the start
    bundle.json     {"script": name, "version": ebcc's, "files": [names as the script gives them]}
    objects         an object store in one piece
    _script/NAME    the script
    _files/NUMBER   the files that it names
    *.py            its modules
"""
import json
import os
import sys
import types

from .bpf import Bundle


def run(loader):
    """Runs the script of a bundle as the main program. loader: the zipimporter of the archive."""
    facts = json.loads(loader.get_data("bundle.json"))
    name = facts["script"]
    source = loader.get_data(f"_script/{name}")
    Bundle.current = Bundle(loader.get_data("objects"), {
        os.fsencode(file): loader.get_data(f"_files/{number}")
        for number, file in enumerate(facts["files"])})
    main = types.ModuleType("__main__")
    main.__file__ = os.path.join(loader.archive, "_script", name)
    main.__loader__ = loader
    sys.modules["__main__"] = main
    exec(compile(source, main.__file__, "exec"), main.__dict__)
