# SPDX-License-Identifier: Apache-2.0
"""The ways in which a source may follow a pointer, as a table of C texts and the values that they must give.

A case's text is the body of a program that traces the test's own system call. It uses `task`, the
current task, and fills in `result.value` and `result.text`. The same table runs as tracepoint
programs on this machine and as kprobe programs in the guests of tests/vm.
"""

import contextlib
import ctypes as ct
import os
import resource
import socket
import struct
from dataclasses import dataclass
from typing import Callable

RESET_ON_FORK = 0x40000000
PROLOGUE = """
struct result_t { u64 value; char text[64]; };
BPF_HASH(results, u32, struct result_t, 256);
struct pair_t { u32 first; u32 second; };
struct wide_t { u64 numbers[4]; char name[16]; };
"""
PROGRAM = """
%(head)s
{
    struct result_t result = {};
    u32 number = %(number)d;
    %(task)s
    {
%(body)s
    }
    results.update(&number, &result);
    return 0;
}
"""
CURRENT_TASK = """struct task_struct *task = (struct task_struct *)bpf_get_current_task();

    if (bpf_get_current_pid_tgid() >> 32 != OWN_PID)
        return 0;"""


@dataclass
class Case:
    """One way. value and text are functions of the World that return what the program must have seen."""
    name: str
    body: str
    value: Callable = None
    text: Callable = None
    before: str = ""  # declarations

    @property
    def function(self):
        """The name of the case's program."""
        return "case_" + self.name


class World:
    """What programs should see of this process, found out without BPF."""

    def __init__(self, directory):
        self.pid = os.getpid()
        self.parent = os.getppid()
        with open("/proc/self/comm", "rb") as file:
            self.comm = file.read().strip()
        with open("/proc/%d/comm" % self.parent, "rb") as file:
            self.parent_comm = file.read().strip()
        self.node = os.uname().nodename.encode()
        self.file_limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.file_name = b"ebcc_read_me"
        self.file = os.open(os.path.join(directory, self.file_name.decode()), os.O_CREAT | os.O_RDWR)
        self.directory_name = os.fsencode(os.path.basename(directory))
        os.lseek(self.file, 0x123456789, os.SEEK_SET)
        self.inode = os.fstat(self.file).st_ino
        self.sockets()

    def sockets(self):
        """Opens a connected IPv4 socket with an option set, and an IPv6 socket that is not connected."""
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self.udp.bind(("127.0.0.1", 0))
        self.udp.connect(("127.1.2.3", 4711))
        self.udp6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self.address6 = socket.inet_pton(socket.AF_INET6, "fe80::1234:5678:9abc:def0")

    def close(self):
        """Closes what __init__() opened."""
        os.close(self.file)
        self.udp.close()
        self.udp6.close()


@contextlib.contextmanager
def world(directory):
    """Gives a World, and sets a scheduling flag of this process that is a bit field in the kernel."""
    policy = os.sched_getscheduler(0)
    os.sched_setscheduler(0, policy | RESET_ON_FORK, os.sched_getparam(0))
    seen = World(directory)
    try:
        yield seen
    finally:
        seen.close()
        os.sched_setscheduler(0, policy & ~RESET_ON_FORK, os.sched_getparam(0))


def fill_in(text, seen):
    """Fills in what only the running process knows."""
    for name, value in (("OWN_PID", seen.pid), ("OWN_FILE", seen.file), ("OWN_UDP6", seen.udp6.fileno()),
                        ("OWN_UDP", seen.udp.fileno())):
        text = text.replace(name, str(value))
    return text


def module_text(cases, seen, head, task=CURRENT_TASK):
    """One source with a program for each case. head is a function's head, with %s for its name. task is statements that
    find this process's task, or end the program."""
    text = PROLOGUE
    for number, case in enumerate(cases):
        text += case.before + PROGRAM % {"head": head.replace("%s", case.function), "task": task, "body": case.body,
                                         "number": number}
    return fill_in(text, seen)


def check(case, result, seen):
    """Compares what a program saw with what this process knows."""
    if case.value:
        assert result.value == case.value(seen)
    if case.text:
        assert ct.string_at(ct.addressof(result) + type(result).text.offset, 64).split(b"\0")[0] == \
            case.text(seen)


def own_pid(seen):
    return seen.pid


def parent(seen):
    return seen.parent


def comm(seen):
    return seen.comm


def one(_seen):
    return 1


FILES = "struct file *file = task->files->fdt->fd[OWN_FILE];\n"
SOCK = "struct sock *sk = ((struct socket *)task->files->fdt->fd[OWN_UDP]->private_data)->sk;\n"
COPY = "for (int i = 0; i < 16; i++) result.text[i] = "

CASES = [
    # Chains of members.
    Case("member", "result.value = task->tgid;", own_pid),
    Case("chain", "result.value = task->real_parent->tgid;", parent),
    Case("long_chain", "result.value = task->mm->owner->group_leader->real_parent->tgid;", parent),
    Case("locals", """
        struct task_struct *leader = task->group_leader;
        struct task_struct *up = leader->real_parent;
        result.value = up->tgid;""", parent),
    Case("pointer_to_const", """
        const struct task_struct *const up = task->real_parent;
        const pid_t *where = &up->tgid;
        result.value = *where;""", parent),
    Case("reassigned_local", """
        struct task_struct *at = task;
        for (int i = 0; i < 2; i++)
            at = at->group_leader;
        at = at->real_parent;
        result.value = at->tgid;""", parent),
    Case("macro", "result.value = PARENT(task)->tgid;", parent,
         before="#define PARENT(t) ((t)->real_parent)\n"),
    Case("nested_macros", "result.value = ID(UP(UP_OF(task)));", parent,
         before="#define UP_OF(t) (t)->group_leader\n#define UP(t) (t)->real_parent\n#define ID(t) (t)->tgid\n"),
    Case("statement_expression", "result.value = ({ struct task_struct *up = task->real_parent; up->tgid; });", parent),
    Case("comma", "struct task_struct *up; result.value = (up = task->real_parent, up->tgid);", parent),

    # Functions.
    Case("inline_function", "result.value = parent_id(task);", parent,
         before="static inline int parent_id(struct task_struct *t) { return t->real_parent->tgid; }\n"),
    Case("function", "result.value = id_of(up_of(task));", parent,
         before="static struct task_struct *up_of(struct task_struct *t) { return t->real_parent; }\n"
                "static int id_of(struct task_struct *t) { return t->tgid; }\n"),
    Case("noinline_function", "result.value = far_id(task);", parent,
         before="static __attribute__((noinline)) int far_id(struct task_struct *t) "
                "{ return t->real_parent->tgid; }\n"),
    Case("function_with_out_parameter", """
        struct task_struct *up;
        get_up(task, &up);
        result.value = up->tgid;""", parent,
         before="static void get_up(struct task_struct *t, struct task_struct **out) { *out = t->real_parent; }\n"),
    Case("function_for_kernel_and_stack_pointers", """
        kuid_t own = { .val = 77 };
        result.value = value_of(&own) + value_of(&task->real_cred->uid);""",
         lambda seen: 77 + os.getuid(),
         before="static inline u32 value_of(const kuid_t *id) { return id->val; }\n"),
    Case("function_that_copies_from_either", """
        char local[16] = "local";
        char copy[16] = {};
        copy16(copy, local);
        if (copy[4] == 'l')
            copy16(result.text, task->comm);""", text=comm,
         before="static void copy16(char *to, const char *from) { for (int i = 0; i < 16; i++) to[i] = from[i]; }\n"),
    Case("function_with_struct_by_value", "result.value = uid_plus(task->real_cred->uid, 5);",
         lambda seen: os.getuid() + 5,
         before="static u32 uid_plus(kuid_t id, u32 n) { return id.val + n; }\n"),
    Case("function_returns_struct", "result.value = uid_of(task).val;", lambda seen: os.getuid(),
         before="static kuid_t uid_of(struct task_struct *t) { return t->real_cred->uid; }\n"),

    # Conditions and loops.
    Case("ternary_of_pointers", """
        struct task_struct *at = task->tgid == OWN_PID ? task->real_parent : task;
        result.value = at->tgid;""", parent),
    Case("ternary_of_values", "result.value = task->real_parent ? task->real_parent->tgid : 0;", parent),
    Case("elvis", "result.value = (task->real_parent ?: task)->tgid;", parent),
    Case("pointer_to_stack_or_kernel", """
        int zero = 0;
        const int *where = bpf_get_smp_processor_id() < 4096 ? (const int *)&task->tgid : &zero;
        result.value = *where;""", own_pid),
    Case("stack_pointer_chosen_at_run_time", """
        struct pair_t pair = { 5, 6 };
        u32 *where = task->tgid == OWN_PID ? &pair.second : &pair.first;
        result.value = *where;""", lambda seen: 6),
    Case("switch", """
        struct task_struct *at;
        switch (task->tgid) {
        case OWN_PID: at = task->real_parent; break;
        case 1: at = task->group_leader; break;
        default: at = task;
        }
        result.value = at->tgid;""", parent),
    Case("condition", "if (task->tgid == OWN_PID && task->real_parent->tgid != 0) result.value = 1;", one),
    Case("negation", "if (!task->mm) return 0; result.value = !task->mm->owner + 1;", one),
    Case("comparison_of_pointers", "result.value = task->group_leader == task;", one),
    Case("comparison_of_members", "result.value = task->tgid == task->group_leader->tgid;", one),
    Case("loop_condition", """
        int i;
        for (i = 0; i < 16 && task->comm[i]; i++)
            ;
        result.value = i;""", lambda seen: len(seen.comm)),
    Case("walk_up", """
        struct task_struct *at = task;
        for (int i = 0; i < 8; i++) {
            if (at->pid == 1)
                break;
            at = at->real_parent;
            result.value = at->tgid;
            if (i == 0)
                break;
        }""", parent),
    Case("while_loop", """
        struct task_struct *at = task;
        int steps = 0;
        while (at->tgid == OWN_PID && steps < 4) {
            at = at->real_parent;
            steps++;
        }
        result.value = at->tgid;""", parent),
    Case("unrolled_loop", """
        #pragma unroll
        for (int i = 0; i < 16; i++)
            result.text[i] = task->comm[i];""", text=comm),
    Case("loop_not_unrolled", """
        #pragma clang loop unroll(disable)
        for (int i = 0; i < 16; i++)
            result.text[i & 15] = task->comm[i & 15];""", text=comm),

    # Addresses.
    Case("address_of_member", "pid_t *where = &task->real_parent->tgid; result.value = *where;", parent),
    Case("address_of_nested_member", """
        struct qstr *name = &task->files->fdt->fd[OWN_FILE]->f_path.dentry->d_parent->d_name;
        bpf_probe_read_kernel_str(result.text, sizeof(result.text), name->name);""",
         text=lambda seen: seen.directory_name),
    Case("dereferenced_address", "result.value = (*&task->real_parent)->tgid;", parent),
    Case("dereference", "result.value = (*task->real_parent).tgid;", parent),
    Case("pointer_to_pointer", "struct task_struct **where = &task->real_parent; result.value = (*where)->tgid;", parent),
    Case("cast_through_u64", """
        u64 address = (u64)task->real_parent;
        result.value = ((struct task_struct *)address)->tgid;""", parent),
    Case("cast_through_long", """
        long address = (long)task;
        struct task_struct *again = (void *)address;
        result.value = again->real_parent->tgid;""", parent),
    Case("cast_of_helper", "result.value = ((struct task_struct *)bpf_get_current_task())->real_parent->tgid;", parent),
    Case("implicit_cast_of_helper", "struct task_struct *t = (void *)bpf_get_current_task(); result.value = t->tgid;", own_pid),
    Case("offsetof_and_cast", """
        result.value = *(pid_t *)((char *)task->real_parent + offsetof(struct task_struct, tgid));""", parent),
    Case("offset_on_a_number", """
        u64 address = (u64)task + offsetof(struct task_struct, tgid);
        result.value = *(pid_t *)address;""", own_pid),
    Case("void_pointer", """
        void *where = &task->tgid;
        result.value = *(pid_t *)where;""", own_pid),
    Case("container_of", """
        pid_t *where = &task->real_parent->tgid;
        struct task_struct *up = container_of(where, struct task_struct, tgid);
        result.value = up->pid;""", parent),
    Case("container_of_a_list", """
        struct list_head *first = task->real_parent->children.next;
        struct task_struct *child = container_of(task->sibling.prev->next, struct task_struct, sibling);
        result.value = child->tgid;""", own_pid),

    # Arrays.
    Case("array_element_zero", "result.value = task->comm[0];", lambda seen: seen.comm[0]),
    Case("array_element", "result.value = task->signal->rlim[7].rlim_cur;", lambda seen: seen.file_limit[0]),
    Case("array_element_by_variable", """
        u32 which = task->tgid == OWN_PID ? 7 : 3;
        result.value = task->signal->rlim[which].rlim_max;""", lambda seen: seen.file_limit[1]),
    Case("pointer_as_array", FILES + "result.value = file->f_pos;", lambda seen: 0x123456789),
    Case("pointer_as_array_by_variable", """
        struct file **fds = task->files->fdt->fd;
        int which = OWN_FILE - 1;
        which++;
        struct file *file = fds[which];
        result.value = file->f_inode->i_ino;""", lambda seen: seen.inode),
    Case("pointer_arithmetic", """
        struct file **fds = task->files->fdt->fd;
        fds += OWN_FILE;
        result.value = (*fds)->f_pos;""", lambda seen: 0x123456789),
    Case("pointer_increment", """
        const char *name = task->comm;
        int length = 0;
        for (int i = 0; i < 16; i++) {
            if (!*name++)
                break;
            length++;
        }
        result.value = length;""", lambda seen: len(seen.comm)),
    Case("negative_index", "const char *end = &task->comm[2]; result.value = end[-1];", lambda seen: seen.comm[1]),
    Case("array_decay", "const char *name = task->nsproxy->uts_ns->name.nodename;\n" +
         "for (int i = 0; i < 63; i++) result.text[i] = name[i];", text=lambda seen: seen.node[:63]),
    Case("pointer_difference", "result.value = &task->comm[5] - &task->comm[0];", lambda seen: 5),

    # Bit fields, unions, anonymous members, wide integers.
    Case("bit_field", "result.value = task->sched_reset_on_fork;", one),
    Case("bit_field_in_condition", "if (task->sched_reset_on_fork) result.value = 1;", one),
    Case("bit_field_by_pointer", SOCK + "struct sock_common *common = &sk->__sk_common;\n"
         "result.value = common->skc_reuseport;", one),
    Case("bit_field_beside_others", SOCK + "result.value = sk->__sk_common.skc_reuse << 4 | "
         "sk->__sk_common.skc_reuseport << 1 | sk->__sk_common.skc_ipv6only;", lambda seen: 2),
    Case("anonymous_union", SOCK + "result.value = sk->__sk_common.skc_daddr;",
         lambda seen: struct.unpack("I", socket.inet_aton("127.1.2.3"))[0]),
    Case("anonymous_struct_in_union", SOCK + "result.value = sk->__sk_common.skc_num;",
         lambda seen: seen.udp.getsockname()[1]),
    Case("union_as_a_whole", SOCK + "result.value = sk->__sk_common.skc_addrpair;",
         lambda seen: struct.unpack("Q", socket.inet_aton("127.1.2.3") + socket.inet_aton("127.0.0.1"))[0]),
    Case("byte_order_of_a_member", SOCK + "result.value = ntohs(sk->__sk_common.skc_dport);", lambda seen: 4711),
    Case("short_members", SOCK + "result.value = sk->__sk_common.skc_family << 16 | sk->sk_type;",
         lambda seen: socket.AF_INET << 16 | socket.SOCK_DGRAM),
    Case("wide_integer", """
        struct sock *sk = ((struct socket *)task->files->fdt->fd[OWN_UDP6]->private_data)->sk;
        unsigned __int128 wide = *(unsigned __int128 *)&sk->sk_v6_daddr;
        *(unsigned __int128 *)result.text = wide;
        result.value = (u64)(wide >> 64) == 0 && (u64)wide == 0;""", one),
    Case("wide_integer_of_a_name", """
        unsigned __int128 wide = *(unsigned __int128 *)task->comm;
        __builtin_memcpy(result.text, &wide, 16);
        result.value = (u8)(wide >> 8);""", lambda seen: seen.comm[1], comm),
    Case("signed_member", "int priority = task->prio - task->normal_prio; result.value = priority == 0;", one),
    Case("boolean", "bool is = task->mm->owner; result.value = is;", one),
    Case("enumeration_and_constant", SOCK + "result.value = sk->__sk_common.skc_state == TCP_ESTABLISHED;", one),

    # Copies.
    Case("struct_copy", "struct qstr name = task->files->fdt->fd[OWN_FILE]->f_path.dentry->d_name;\n"
         "result.value = name.len;", lambda seen: len(seen.file_name)),
    Case("struct_assignment", "kuid_t id; id = task->real_cred->uid; result.value = id.val + 1;",
         lambda seen: os.getuid() + 1),
    Case("struct_copy_by_dereference", "struct path *where = &task->files->fdt->fd[OWN_FILE]->f_path;\n"
         "struct path path = *where; result.value = path.dentry->d_name.len;", lambda seen: len(seen.file_name)),
    Case("initializer", "struct pair_t pair = { .first = task->tgid, .second = task->real_parent->tgid };\n"
         "result.value = (u64)pair.first << 32 | pair.second;", lambda seen: seen.pid << 32 | seen.parent),
    Case("initializer_with_struct", """
        struct { u32 before; kuid_t id; u32 after; } all = { 1, task->real_cred->uid, 3 };
        result.value = (u64)all.before << 40 | (u64)all.after << 32 | all.id.val;""",
         lambda seen: 1 << 40 | 3 << 32 | os.getuid()),
    Case("compound_literal", "result.value = ((struct pair_t){ 1, task->tgid }).second;", own_pid),
    Case("memcpy", "__builtin_memcpy(result.text, task->real_parent->comm, sizeof(task->comm));",
         text=lambda seen: seen.parent_comm),
    Case("memcpy_of_a_member", "u32 id; memcpy(&id, &task->real_parent->tgid, sizeof(id)); result.value = id;", parent),
    Case("memcmp", "result.value = !__builtin_memcmp(task->comm, task->group_leader->comm, 16);", one),
    Case("memcmp_of_many_bytes", """
        char copy[65];
        __builtin_memcpy(copy, task->nsproxy->uts_ns->name.nodename, 65);
        result.value = memcmp(copy, task->nsproxy->uts_ns->name.nodename, 65) == 0;""", one),
    Case("memcmp_with_a_literal", 'result.value = __builtin_memcmp(task->comm, "?*", 2) != 0;', one),
    Case("assignment_to_map_value", """
        u32 zero = 0;
        struct wide_t *wide = wides.lookup(&zero);
        if (!wide)
            return 0;
        wide->numbers[2] = task->real_parent->tgid;
        __builtin_memcpy(wide->name, task->comm, 16);
        result.value = wide->numbers[2];
        for (int i = 0; i < 16; i++)
            result.text[i] = wide->name[i];""", parent, comm, before="BPF_ARRAY(wides, struct wide_t, 1);\n"),
    Case("struct_assignment_to_map_value", """
        u32 zero = 0;
        struct qstr *name = names.lookup(&zero);
        if (!name)
            return 0;
        *name = task->files->fdt->fd[OWN_FILE]->f_path.dentry->d_name;
        result.value = name->len;""", lambda seen: len(seen.file_name), before="BPF_ARRAY(names, struct qstr, 1);\n"),

    # Strings.
    Case("char_array_loop", COPY + "task->comm[i];", text=comm),
    Case("char_comparison", """
        const char *name = task->comm;
        result.value = name[0] == task->group_leader->comm[0] && name[1] != '*';""", one),
    Case("probe_read_str_of_array", "bpf_probe_read_kernel_str(result.text, 16, &task->comm);", text=comm),
    Case("probe_read_str_of_array_decay", "bpf_probe_read_kernel_str(result.text, 16, task->comm);", text=comm),
    Case("probe_read_str_of_chain", FILES + "bpf_probe_read_kernel_str(result.text, 64, file->f_path.dentry->d_name.name);",
         text=lambda seen: seen.file_name),
    Case("probe_read_of_chain", "u32 id; bpf_probe_read_kernel(&id, sizeof(id), &task->real_parent->tgid); result.value = id;",
         parent),
    Case("old_probe_read", "u32 id; bpf_probe_read(&id, sizeof(id), &task->real_parent->tgid); result.value = id;", parent),
    Case("probe_read_then_plain", """
        struct task_struct *up;
        bpf_probe_read_kernel(&up, sizeof(up), &task->real_parent);
        result.value = up->tgid;""", parent),
    Case("string_characters", FILES + "const unsigned char *name = file->f_path.dentry->d_name.name;\n"
         "for (int i = 0; i < 12; i++) result.text[i] = name[i];", text=lambda seen: seen.file_name),

    # Arguments of other calls.
    Case("argument_of_a_method", """
        u64 key = task->real_parent->tgid, leaf = task->tgid, *found;
        ids.update(&key, &leaf);
        key = task->real_parent->tgid;
        found = ids.lookup(&key);
        result.value = found ? *found : 0;""", own_pid, before="BPF_HASH(ids);\n"),
    Case("argument_of_increment", """
        u64 key = task->tgid, *found;
        counts.increment(task->tgid, 4);
        found = counts.lookup(&key);
        result.value = found && *found % 4 == 0;""", one, before="BPF_HASH(counts);\n"),
    Case("argument_of_log", "result.value = bpf_log2l(task->signal->rlim[7].rlim_cur);",
         lambda seen: seen.file_limit[0].bit_length()),
    Case("argument_of_probe_read_size", """
        u32 size = task->files->fdt->fd[OWN_FILE]->f_path.dentry->d_name.len;
        if (size > 8)
            size = 8;
        bpf_probe_read_kernel(result.text, size, task->comm);""", text=lambda seen: seen.comm[:8]),

    # Stored pointers.
    Case("pointer_in_a_map", """
        u32 key = 1;
        struct task_struct **found, *up = task->real_parent;
        kept.update(&key, &up);
        found = kept.lookup(&key);
        if (found)
            result.value = (*found)->tgid;""", parent, before="BPF_HASH(kept, u32, struct task_struct *);\n"),
    Case("pointer_in_a_map_local", """
        u32 key = 1;
        struct task_struct **found, *up = task->real_parent;
        kept_too.update(&key, &up);
        found = kept_too.lookup(&key);
        if (!found)
            return 0;
        up = *found;
        result.value = up->group_leader->tgid;""", parent, before="BPF_HASH(kept_too, u32, struct task_struct *);\n"),
    Case("pointer_as_number_in_a_map", """
        u32 key = 1;
        u64 address = (u64)task, *found;
        addresses.update(&key, &address);
        found = addresses.lookup(&key);
        if (found)
            result.value = ((struct task_struct *)*found)->real_parent->tgid;""", parent,
         before="BPF_HASH(addresses, u32, u64);\n"),
    Case("pointer_in_a_struct_of_a_map", """
        u32 key = 1;
        struct { u32 id; struct task_struct *task; } hold = { 3, task->real_parent };
        struct hold_t *found;
        holds.update(&key, (struct hold_t *)&hold);
        found = holds.lookup(&key);
        if (found)
            result.value = found->task->tgid + found->id;""", lambda seen: seen.parent + 3,
         before="struct hold_t { u32 id; struct task_struct *task; };\nBPF_HASH(holds, u32, struct hold_t);\n"),
    Case("pointer_in_a_struct_on_the_stack", """
        struct { struct task_struct *self, *up; } both = { task, task->real_parent };
        result.value = (u64)both.self->tgid << 32 | both.up->tgid;""", lambda seen: seen.pid << 32 | seen.parent),
    Case("pointers_in_an_array_on_the_stack", """
        struct task_struct *list[2] = { task, task->real_parent };
        for (int i = 0; i < 2; i++)
            result.value = result.value << 32 | list[i]->tgid;""", lambda seen: seen.pid << 32 | seen.parent),
    Case("array_on_the_stack_by_variable", """
        struct task_struct *list[2] = { task, task->real_parent };
        volatile u32 which = 1;
        result.value = list[which & 1]->tgid;""", parent),
    Case("address_of_a_local_struct", """
        struct wide_t wide = { .numbers = { 1, 2, 3, 4 } };
        struct wide_t *where = &wide;
        u32 which = task->tgid == OWN_PID ? 3 : 0;
        result.value = where->numbers[which];""", lambda seen: 4),
    Case("volatile_local", "struct task_struct *volatile again = task; result.value = again->real_parent->tgid;", parent),
    Case("volatile_member", "result.value = *(volatile pid_t *)&task->tgid;", own_pid),
    Case("read_once", "result.value = READ_ONCE(task->tgid);", own_pid),

    # The program's own memory beside kernel memory.
    Case("map_value_and_kernel_pointer", """
        u64 key = 5, first = 7, *leaf = own.lookup_or_try_init(&key, &first);
        if (leaf)
            result.value = *leaf + task->tgid;""", lambda seen: seen.pid + 7, before="BPF_HASH(own);\n"),
    Case("map_value_or_kernel_pointer", """
        u32 key = 0;
        pid_t *where = (pid_t *)cells.lookup(&key);
        if (!where)
            return 0;
        if (task->tgid == OWN_PID)
            where = &task->tgid;
        result.value = *where;""", own_pid, before="BPF_ARRAY(cells, u32, 1);\n"),
    Case("percpu_leaf", """
        u32 zero = 0;
        struct wide_t *wide = scratch.lookup(&zero);
        if (!wide)
            return 0;
        wide->numbers[0] = task->tgid;
        wide->numbers[1] = wide->numbers[0] + 1;
        result.value = wide->numbers[1];""", lambda seen: seen.pid + 1, before="BPF_PERCPU_ARRAY(scratch, struct wide_t, 1);\n"),
    Case("ring_buffer_record", """
        struct wide_t *record = ring.ringbuf_reserve(sizeof(struct wide_t));
        if (!record)
            return 0;
        record->numbers[0] = task->real_parent->tgid;
        __builtin_memcpy(record->name, task->comm, 16);
        result.value = record->numbers[0];
        for (int i = 0; i < 16; i++)
            result.text[i] = record->name[i];
        ring.ringbuf_discard(record, 0);""", parent, comm, before="BPF_RINGBUF_OUTPUT(ring, 1);\n"),
    Case("global_array", """
        table[0] = task->tgid;
        u32 which = task->real_parent->tgid & 3;
        table[which] = task->tgid;
        result.value = table[which];""", own_pid, before="static u32 table[4];\n"),
    Case("constant_table", "result.value = primes[task->sched_reset_on_fork & 3];", lambda seen: 3,
         before="static const u32 primes[4] = { 2, 3, 5, 7 };\n"),
    Case("small_index_into_the_stack", """
        struct { u64 before; u16 list[4]; u8 bytes[8]; } all = { 1, { 2, 3, 4, 5 }, { 10, 11, 12, 13, 14, 15, 16, 17 } };
        u32 which = task->tgid == OWN_PID ? 6 : 1;
        bpf_probe_read_kernel(&all.before, 8, &task->tgid);
        result.value = all.list[which & 3] << 8 | all.bytes[which & 7];""", lambda seen: 4 << 8 | 16),
    Case("string_literal", """
        const char *name = task->tgid == OWN_PID ? "own" : "other";
        for (int i = 0; i < 4; i++)
            result.text[i] = name[i];""", text=lambda seen: b"own"),
]

CASES += [
    Case("null_test_first", "result.value = task->mm && task->mm->owner && task->mm->owner->tgid == OWN_PID;", one),
    Case("struct_of_an_array", "struct rlimit limit = task->signal->rlim[7];\n"
         "result.value = limit.rlim_cur ^ limit.rlim_max;", lambda seen: seen.file_limit[0] ^ seen.file_limit[1]),
    Case("struct_into_a_struct", """
        struct { u32 before; struct qstr name; u32 after; } hold = { .before = 4 };
        hold.name = task->files->fdt->fd[OWN_FILE]->f_path.dentry->d_name;
        hold.name.len++;
        hold.after = hold.name.len;
        bpf_probe_read_kernel_str(result.text, 64, hold.name.name);
        result.value = hold.before + hold.after;""", lambda seen: 5 + len(seen.file_name), lambda seen: seen.file_name),
    Case("big_struct_returned", """
        struct wide_t wide = wide_of(task, 3);
        result.value = wide.numbers[0] + wide.numbers[3];
        __builtin_memcpy(result.text, wide.name, 16);""", lambda seen: seen.parent + 3, comm,
         before="static struct wide_t wide_of(struct task_struct *t, u64 n) {\n"
                "    struct wide_t wide = { { t->real_parent->tgid, 0, 0, n } };\n"
                "    __builtin_memcpy(wide.name, t->comm, 16);\n    return wide;\n}\n"),
    Case("list_walk", """
        struct list_head *head = &task->real_parent->children, *at = head->next;
        for (int i = 0; i < 64; i++) {
            if (at == head)
                break;
            if (container_of(at, struct task_struct, sibling)->tgid == OWN_PID)
                result.value++;
            at = at->next;
        }""", one),
    Case("union_on_the_stack", """
        union { u64 number; struct task_struct *task; } both = { .number = bpf_get_current_task() };
        result.value = both.task->real_parent->tgid;""", parent),
    Case("volatile_pointer", "volatile struct task_struct *again = task; result.value = again->real_parent->tgid;", parent),
    Case("typeof", "typeof(*task) *again = task; typeof(task->tgid) id = again->tgid; result.value = id;", own_pid),
    Case("goto_loop", """
        struct task_struct *at = task;
        int steps = 0;
    again:
        if (at->tgid == OWN_PID && steps++ < 4) {
            at = at->real_parent;
            goto again;
        }
        result.value = at->tgid;""", parent),
    Case("do_while", """
        int i = 0;
        do {
            result.text[i] = task->comm[i];
        } while (task->comm[i] && ++i < 15);""", text=comm),
    Case("switch_on_a_character", """
        switch (task->comm[0] ^ task->group_leader->comm[0]) {
        case 0: result.value = 1; break;
        default: result.value = 2;
        }""", one),
    Case("indexed_address", "result.value = (&task->comm[0])[1];", lambda seen: seen.comm[1]),
    Case("index_before_pointer", "result.value = 1[task->comm];", lambda seen: seen.comm[1]),
    Case("flexible_array", "result.value = task->real_cred->group_info->ngroups ? "
         "task->real_cred->group_info->gid[0].val : 4711;", lambda seen: (sorted(os.getgroups()) or [4711])[0]),
    Case("literal_or_kernel_string", """
        const char *name = task->tgid == OWN_PID ? task->comm : "none";
        for (int i = 0; i < 5; i++)
            result.text[i] = name[i];""", text=lambda seen: seen.comm[:5]),
    Case("name_as_key", """
        struct { char name[16]; } key = {};
        u64 first = 8, *leaf;
        __builtin_memcpy(&key.name, &task->comm, sizeof(key.name));
        leaf = by_name.lookup_or_try_init((struct name_t *)&key, &first);
        if (leaf)
            result.value = *leaf;""", lambda seen: 8, before="struct name_t { char name[16]; };\nBPF_HASH(by_name, struct name_t);\n"),
    Case("pointer_to_pointer_parameter", "result.value = step_twice(&task)->tgid;", parent,
         before="static struct task_struct *step_twice(struct task_struct **t) { return (*t)->group_leader->real_parent; }\n"),
    Case("assignment_in_condition", "struct task_struct *up; if ((up = task->real_parent) && up->tgid) result.value = up->tgid;",
         parent),
    Case("compound_assignment", "result.value = 1; result.value += task->tgid; result.value -= 1;", own_pid),
    Case("increment_of_a_copy", "pid_t id = task->tgid; id++; ++id; result.value = id - 2;", own_pid),
    Case("shifted_address", "u64 high = (u64)task >> 32, low = (u32)(u64)task;\n"
         "result.value = ((struct task_struct *)(high << 32 | low))->tgid;", own_pid),
    Case("address_through_a_map_as_two_halves", """
        u32 key = 1;
        struct pair_t pair = { (u64)task >> 32, (u64)task }, *found;
        halves.update(&key, &pair);
        found = halves.lookup(&key);
        if (found)
            result.value = ((struct task_struct *)((u64)found->first << 32 | found->second))->tgid;""", own_pid,
         before="BPF_HASH(halves, u32, struct pair_t);\n"),
    Case("preserved_access", "result.value = *__builtin_preserve_access_index(&task->real_parent->tgid);", parent),
    Case("select_of_members", "const int *which = task->sched_reset_on_fork ? &task->tgid : &task->prio; result.value = *which;",
         own_pid),
    Case("nested_functions", "result.value = outer_of(task);", lambda seen: seen.parent * 2,
         before="static int inner_of(struct task_struct *t) { return t->tgid; }\n"
                "static int middle_of(struct task_struct *t) { return inner_of(t->real_parent) + inner_of(t->real_parent); }\n"
                "static int outer_of(struct task_struct *t) { return middle_of(t->group_leader); }\n"),
]

# Helpers with callbacks: bpf_loop() came with Linux 5.17, bpf_for_each_map_elem() with 5.13.
CALLBACK_CASES = [
    Case("bpf_loop", """
        struct search_t search = { .at = task };
        bpf_loop(3, step_up, &search, 0);
        result.value = search.found;""", parent,
         before="struct search_t { struct task_struct *at; u64 found; };\n"
                "static long step_up(u32 index, struct search_t *search)\n"
                "{ if (search->at->tgid != OWN_PID) return 1; search->at = search->at->real_parent;\n"
                "  search->found = search->at->tgid; return 0; }\n"),
    Case("for_each_map_elem", """
        u32 zero = 0;
        struct task_struct *self = task;
        u64 total = 0;
        list.update(&zero, &self);
        bpf_for_each_map_elem(&list, add_up, &total, 0);
        result.value = total;""", parent,
         before="BPF_HASH(list, u32, struct task_struct *, 4);\n"
                "static long add_up(void *map, u32 *key, struct task_struct **leaf, u64 *total)\n"
                "{ *total += (*leaf)->real_parent->tgid; return 0; }\n"),
]
