"""Which files a Python script opens, as a BPF program on the openat system call sees them."""

import subprocess
import sys
import textwrap

from ebcc import BPF

TRACER = """
    struct name_t { char text[128]; };
    BPF_ARRAY(watched, u32, 1);
    BPF_QUEUE(names, struct name_t, 20000);

    TRACEPOINT_PROBE(syscalls, sys_enter_openat)
    {
        struct name_t name = {};
        int zero = 0;
        u32 *pid = watched.lookup(&zero);

        if (!pid || !*pid || bpf_get_current_pid_tgid() >> 32 != *pid)
            return 0;
        bpf_probe_read_user_str(name.text, sizeof(name.text), args->filename);
        names.push(&name, 0);
        return 0;
    }
"""


def opened_by(script, environment):
    """Runs a script in a process of its own. Returns its output, and the set of file names that it opened."""
    waiting = "import sys; sys.stdin.readline()\n" + textwrap.dedent(script)
    with BPF(text=TRACER) as tracer:
        child = subprocess.Popen([sys.executable, "-c", waiting], env=environment, text=True,
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        tracer["watched"][0] = child.pid
        output, errors = child.communicate("go\n", timeout=300)
        assert child.returncode == 0, errors
        return output, {name.text.decode() for name in tracer["names"].values()}
