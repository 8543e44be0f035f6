-- Attaching programs of every kind that this kernel runs, detaching, finding, symbols.

local ebcc = require "ebcc"
local core = require "ebcc._ebcc"
local helper = require "helper"
local lu = require "luaunit"

local BPF = ebcc.BPF

local SOURCE = helper.COUNT .. [[
int first(void *ctx) { return count(1); }
int second(void *ctx) { return count(2); }
int raw(struct bpf_raw_tracepoint_args *ctx) { return count(3); }
int sampled(struct bpf_perf_event_data *ctx) { return count(4); }
int filter(struct __sk_buff *skb) { return -1; }
int packet(struct xdp_md *ctx) { return XDP_PASS; }
int skip(struct __sk_buff *skb) { return 1; }
]]

TestPrograms = {}

function TestPrograms:setUp()
  self.bpf = helper.bpf(SOURCE)
  self.counts = self.bpf:get_table("counts")
end

function TestPrograms:tearDown()
  self.bpf:close()
end

function TestPrograms:test_tracepoint()
  local before = BPF.num_open_tracepoints()
  local link = self.bpf:attach_tracepoint { tp = helper.EVENT, fn_name = "first" }
  lu.assertEquals(BPF.num_open_tracepoints(), before + 1)
  lu.assertEquals(link:name(), "tracepoint:" .. helper.EVENT)
  lu.assertTrue(link:attached())
  helper.act(3)
  lu.assertEquals(self.counts:get(1), 3)
  link:detach()
  link:detach()
  helper.act()
  lu.assertEquals(self.counts:get(1), 3)
  lu.assertEquals(BPF.num_open_tracepoints(), before)
  lu.assertFalse(link:attached())
  lu.assertStrContains(helper.raised(link.fd, link), "detached")
end

function TestPrograms:test_tracepoints_by_expression()
  local before = BPF.num_open_tracepoints()
  local links <close> = self.bpf:attach_tracepoint { tp_re = "syscalls:sys_(enter|exit)_unlink$", fn_name = "first" }
  local names = links:names()
  table.sort(names)
  lu.assertEquals(names, { "tracepoint:syscalls:sys_enter_unlink", "tracepoint:syscalls:sys_exit_unlink" })
  helper.act(2)
  lu.assertEquals(self.counts:get(1), 4)
  lu.assertTrue(links:attached())
  links:detach()
  helper.act()
  lu.assertEquals({ self.counts:get(1), links:attached(), BPF.num_open_tracepoints() }, { 4, false, before })
end

function TestPrograms:test_dropped_links_stay_attached()
  self.bpf:attach_tracepoint { tp = helper.EVENT, fn_name = "first" }
  collectgarbage()
  collectgarbage()
  helper.act()
  lu.assertEquals(self.counts:get(1), 1)
end

function TestPrograms:test_link_closed_by_its_block()
  do
    local link <close> = self.bpf:attach_tracepoint { tp = helper.EVENT, fn_name = "first" }
    lu.assertNotNil(link)
    helper.act()
  end
  helper.act()
  lu.assertEquals(self.counts:get(1), 1)
end

function TestPrograms:test_raw_tracepoint()
  lu.assertNotNil(self.bpf:attach_raw_tracepoint { tp = "sys_enter", fn_name = "raw" })
  helper.act()
  lu.assertTrue(self.counts:get(3) >= 1)
end

function TestPrograms:test_perf_event()
  -- The kernel's task clock, a software event, for this process.
  lu.assertNotNil(self.bpf:attach_perf_event {
    ev_type = 1, ev_config = 1, sample_freq = 999, pid = ebcc.posix.getpid(), fn_name = "sampled",
  })
  helper.wait_for(function()
    for _ = 1, 1000000 do end
    return self.counts:get(4)
  end, "a sample")
end

function TestPrograms:test_uprobes()
  local calls <close> = helper.calls()
  local bpf <close> = BPF:new { text = [[
BPF_HASH(numbers, u64, u64);
int enter(struct pt_regs *ctx) { numbers.increment(PT_REGS_PARM1(ctx)); return 0; }
int leave(struct pt_regs *ctx) { numbers.increment(1000 + PT_REGS_RC(ctx)); return 0; }
]] }
  local before = BPF.num_open_uprobes()
  lu.assertNotNil(bpf:attach_uprobe { name = calls.path, sym = "work", fn_name = "enter", pid = calls.pid })
  lu.assertNotNil(bpf:attach_uretprobe { name = calls.path, sym_re = "work$", fn_name = "leave" })
  lu.assertEquals(BPF.num_open_uprobes(), before + 2)
  calls:tell("work 21 x")
  helper.wait_for(function() return bpf:get_table("numbers"):get(1042) end, "the return probe")
  lu.assertEquals(bpf:get_table("numbers"):get(21), 1)
  local functions = BPF.get_user_functions_and_addresses(calls.path, "work$")
  lu.assertEquals({ #functions, functions[1].name }, { 1, "work" })
  lu.assertNotNil(bpf:attach_uprobe { name = calls.path, addr = functions[1].addr, fn_name = "enter" })
end

function TestPrograms:test_what_is_not_there()
  local cases = {
    { "attach_uprobe", { name = "c", sym = "no_such_function", fn_name = "first" }, "no_such_function", 2 },
    { "attach_uprobe", { name = "no-such-library", sym = "f", fn_name = "first" }, "no-such-library", 2 },
    { "attach_uprobe", { name = "c", sym_re = "no_such_function", fn_name = "first" }, "nothing was attached", 2 },
    { "attach_tracepoint", { tp = "sched:no_such_event", fn_name = "first" }, "no_such_event", 2 },
    { "attach_raw_tracepoint", { tp = "no_such_event", fn_name = "raw" }, "no_such_event", 2 },
    { "attach_xdp", { dev = "no-such-device", fn_name = "packet" }, "no-such-device", nil },
    { "attach_usdt", { path = "c", probe = "no_such_probe", fn_name = "first" }, "no_such_probe", 2 },
    { "attach_usdt", { path = "/no/such/file", probe = "x", fn_name = "first" }, "/no/such/file", 2 },
  }
  for _, case in ipairs(cases) do
    local link, message, errno = self.bpf[case[1]](self.bpf, case[2])
    lu.assertNil(link)
    lu.assertStrContains(message, case[3])
    lu.assertEquals(errno, case[4] or errno)
    lu.assertEquals(math.type(errno), "integer")
  end
end

function TestPrograms:test_xdp_and_sockets()
  local xdp = self.bpf:attach_xdp { dev = "lo", fn_name = "packet", flags = 2 }
  lu.assertNotNil(xdp)
  xdp:detach()
  lu.assertTrue(BPF.remove_xdp("lo", 2))
  local socket <close> = self.bpf:attach_raw_socket { dev = "lo", fn_name = "filter" }
  lu.assertNil(socket:receive())
  helper.run("bash -c 'echo hello >/dev/udp/127.0.0.1/9'")
  helper.wait_for(function()
    local packet = socket:receive()
    return packet and packet:find("hello")
  end, "a packet")
end

-- The owner of a socket may lock its filter. Another process does that here, with a copy of the descriptor.
local LOCK = [[
import ctypes, os, socket, sys
pid, descriptor = map(int, sys.argv[1:])
copy = ctypes.CDLL(None).syscall(438, os.pidfd_open(pid), descriptor, 0)  # pidfd_getfd
socket.socket(fileno=copy).setsockopt(socket.SOL_SOCKET, 44, 1)  # SO_LOCK_FILTER
]]

function TestPrograms:test_failure_to_detach()
  local socket <close> = self.bpf:attach_raw_socket { dev = "lo", fn_name = "filter" }
  local link = self.bpf.module:program("filter"):attach_socket(socket:fd())
  local _, status, errors = helper.run(("/usr/bin/python3 -c %s %d %d"):format(helper.quote(LOCK), ebcc.posix.getpid(),
    socket:fd()))
  lu.assertEquals({ status, errors }, { 0, "" })
  local done, message, errno = link:detach()
  lu.assertNil(done)
  lu.assertStrContains(message, "can't take the filter off the socket")
  lu.assertEquals(errno, 1)
  lu.assertFalse(link:attached())
  lu.assertTrue(link:detach())
end

function TestPrograms:test_programs_that_are_not_attached()
  local done, message, errno = self.bpf:detach_kfunc { fn_name = "kfunc__vfs_read" }
  lu.assertNil(done)
  lu.assertEquals({ message, errno }, { "program 'kfunc__vfs_read' is not attached", 2 })
end

function TestPrograms:test_control_group()
  local wrong = { fn_name = "skip", fd = 99999, attach_type = ebcc.constants.BPF_CGROUP_INET_EGRESS }
  lu.assertStrContains(helper.raised(self.bpf.attach_func, self.bpf, wrong), "99999 is not a descriptor")
end

function TestPrograms:test_iterator()
  local bpf <close> = helper.bpf { text = [[
BPF_ITER(task)
{
  struct task_struct *task = ctx->task;
  char text[] = "found it\n";

  if (task && task->pid == SELF)
    bpf_seq_write(ctx->meta->seq, text, sizeof(text) - 1);
  return 0;
}
]], cflags = { "-DSELF=" .. ebcc.posix.getpid() } }
  local link = bpf:attach_iter { fn_name = "bpf_iter__task" }
  lu.assertEquals(link:read(), "found it\n")
  lu.assertEquals(link:read(), "found it\n")
  lu.assertEquals(bpf:attach_iter { fn_name = "task" }:read(), "found it\n")
  -- Each method is for one kind.
  lu.assertStrContains(helper.raised(bpf.attach_kfunc, bpf, { fn_name = "bpf_iter__task" }),
    "program 'bpf_iter__task' does not say what it traces")
  lu.assertStrContains(helper.raised(bpf.attach_lsm, bpf, { fn_name = "task" }), "no program 'lsm__task'")
end

function TestPrograms:test_loading()
  local loaded = self.bpf:load_func("first", "BPF_PROG_TYPE_TRACEPOINT")
  lu.assertTrue(loaded.fd > 2)
  lu.assertEquals(loaded.name, "first")
  lu.assertIs(self.bpf:load_func("first", "TRACEPOINT"), loaded)
  lu.assertEquals(#self.bpf:dump_func("first") % 8, 0)
  lu.assertStrContains(helper.raised(self.bpf.load_func, self.bpf, "second", "NO_SUCH"), "no program type NO_SUCH")
  local bpf <close> = BPF:new { text = "int a(void *c) { return 0; } int b(void *c) { return 1; }" }
  local all = bpf:load_funcs("BPF_PROG_TYPE_TRACEPOINT")
  lu.assertTrue(all.a.fd > 2 and all.b.fd > 2)
end

function TestPrograms:test_symbols()
  local cache = BPF.SymbolCache()
  local address = cache:resolve_name("schedule")
  lu.assertEquals(BPF.ksymname("schedule"), address)
  local name, offset, module = cache:resolve(address + 4)
  lu.assertEquals({ name, offset, module }, { "schedule", 4, "kernel" })
  lu.assertEquals(BPF.ksym(address + 4, true, true), "schedule+0x4 [kernel]")
  lu.assertEquals(BPF.ksym(address), "schedule")
  lu.assertEquals({ cache:resolve(5) }, { "[unknown]", 5 })
  lu.assertTrue(cache:refresh())
  lu.assertEquals(BPF.ksym(5), "[unknown]")
  lu.assertNil(cache:resolve_name("no such symbol"))
end

function TestPrograms:test_symbols_of_a_process()
  local calls <close> = helper.calls()
  local cache = BPF.SymbolCache(calls.pid)
  local address = cache:resolve_name("work", calls.path)
  local name, offset, module = cache:resolve(address + 2)
  lu.assertEquals({ name, offset, module }, { "work", 2, calls.path })
  lu.assertEquals(BPF.sym(address + 2, calls.pid, true, true),
    ("work+0x2 [%s]"):format(calls.path:match("[^/]+$")))
  lu.assertTrue(cache:refresh())
  local statistics = BPF.SymbolCache.statistics()
  lu.assertTrue(statistics.memory > 0 and statistics.memory < 128 << 20)
  lu.assertEquals({ statistics.too_large, statistics.no_memory, statistics.no_time }, { 0, 0, 0 })
  lu.assertEquals(select(3, BPF.SymbolCache(2 ^ 30 | 0):refresh()), 2)
end

function TestPrograms:test_stacks_of_build_ids()
  local calls <close> = helper.calls()
  local bpf <close> = BPF:new { text = [[
BPF_STACK_TRACE_BUILDID(stacks, 64);
BPF_ARRAY(ids, int, 1);
int enter(struct pt_regs *ctx)
{
  int zero = 0, id = stacks.get_stackid(ctx, BPF_F_USER_STACK);

  ids.update(&zero, &id);
  return 0;
}
]] }
  bpf:get_table("ids"):set(0, -1)
  lu.assertTrue(BPF.add_module(calls.path))
  lu.assertNotNil(bpf:attach_uprobe { name = calls.path, sym = "work", fn_name = "enter" })
  calls:tell("work 1 x")
  local id = helper.wait_for(function()
    local found = bpf:get_table("ids"):get(0)
    return found >= 0 and found
  end)
  local frames = bpf:get_table("stacks"):get(id)
  lu.assertEquals(#frames[1].build_id, 20)
  lu.assertEquals(BPF.ksym(frames[1]), "work")
  -- At its entry the function has no frame yet, so its caller, act(), is missing.
  lu.assertEquals((BPF.SymbolCache(calls.pid):resolve(frames[2])), "main")
  lu.assertEquals(bpf:get_table("stacks"):get(-1), {})
  lu.assertEquals(select(3, BPF.add_module("/no/such/file")), 2)
end

function TestPrograms:test_counters_of_cpus()
  local bpf <close> = helper.bpf [[
BPF_PERF_ARRAY(clock, 256);
BPF_ARRAY(seen, u64, 1);
TRACEPOINT_PROBE(syscalls, sys_enter_unlink)
{
  int zero = 0;
  u64 value = clock.perf_read(bpf_get_smp_processor_id());

  if (OURS)
    seen.update(&zero, &value);
  return 0;
}
]]
  -- The processor's clock, a software event.
  lu.assertTrue(bpf:get_table("clock"):open_perf_event(1, 0))
  helper.act()
  lu.assertTrue(bpf:get_table("seen"):get(0) > 0)
end

function TestPrograms:test_object_and_debug_texts()
  lu.assertEquals(self.bpf.module:object():sub(1, 4), "\127ELF")
  lu.assertEquals(self.bpf.module:second_object():sub(1, 4), "\127ELF")
  -- Objects of ebcc that do not say for which kernel they were compiled.
  local object = self.bpf.module:object():gsub("__ebcc_kernel", "__ebcc_other1")
  local ok, err = pcall(core.module, { object = object })
  lu.assertFalse(ok)
  lu.assertEquals(err.kind, "OtherKernelError")
  core.module({ object = object, any_kernel = true }):close()
  lu.assertNil(self.bpf.module:debug_text(1))
  lu.assertTrue(self.bpf:poll_fd() > 2)
end

function TestPrograms:test_portable_objects()
  local source = helper.COUNT .. [[
int traced(struct bpf_raw_tracepoint_args *ctx) {
  struct task_struct *task = (struct task_struct *)bpf_get_current_task();
  return task->tgid == bpf_get_current_pid_tgid() >> 32 ? count(5) : 0;
}]]
  local path = helper.file("")
  local made <close> = helper.bpf { text = source, portable = true }
  lu.assertIs(made:save(path), true)
  local file = io.open(path, "rb")
  local bytes = file:read("a")
  file:close()
  for _, object in ipairs { path, bytes } do
    local bpf <close> = BPF:new { object = object }
    bpf:attach_raw_tracepoint { tp = "sys_enter", fn_name = "traced" }
    helper.act()
    lu.assertTrue(bpf:get_table("counts"):get(5) > 0)
  end
  local saved, message, errno = made:save("/nonexistent/object")
  lu.assertNil(saved)
  lu.assertStrContains(message, "can't write /nonexistent/object")
  lu.assertEquals(errno, 2)
  lu.assertErrorMsgContains("there is no object file", BPF.new, BPF, { object = "/nonexistent/object" })
  lu.assertErrorMsgContains("object is given together with text", BPF.new, BPF, { object = path, text = source })
  lu.assertErrorMsgContains("can't be used in a portable object", BPF.new, BPF,
    { text = "int flags = GFP_ATOMIC;", portable = true })
end

function TestPrograms:test_sources_for_libbpf()
  local text = [[
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
const volatile int target = 0;
int seen, other;
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __type(key, u32);
  __type(value, u64);
} counts SEC(".maps");
SEC("raw_tp/sys_enter") int enter(void *ctx) {
  struct task_struct *task = (struct task_struct *)bpf_get_current_task();
  u64 one = 1;
  u32 key = BPF_CORE_READ(task, real_parent, tgid);
  if (target != bpf_get_current_pid_tgid() >> 32)
    return 0;
  seen = 1;
  bpf_map_update_elem(&counts, &key, &one, BPF_ANY);
  return 0;
}
SEC("raw_tp/sys_exit") int leave(void *ctx) { other = 1; return 0; }]]
  local pid = ebcc.posix.getpid()
  local bpf <close> = helper.bpf { text = text, constants = { target = pid }, attach = { "enter" },
    max_entries = { counts = 2 } }
  helper.act()
  lu.assertEquals(bpf.globals.seen, 1)
  lu.assertEquals(bpf.globals.other, 0)
  local parent = tonumber(io.open("/proc/self/stat"):read("a"):match("%) %S+ (%d+)"))
  local counts = bpf:get_table("counts")
  lu.assertEquals(counts:get(parent), 1)
  lu.assertTrue(counts:set(4194305, 1))
  lu.assertNil((counts:set(4194306, 1))) -- there is room for two
  local none <close> = helper.bpf { text = text, attach = false }
  helper.act()
  lu.assertEquals(none.globals.other, 0)
  lu.assertErrorMsgContains("no table 'count'; did you mean counts", BPF.new, BPF,
    { text = text, max_entries = { count = 1 } })
end

function TestPrograms:test_finding()
  lu.assertIs(BPF.is_go_binary("/bin/bash"), false)
  lu.assertEquals(BPF.get_tracepoints("syscalls:sys_enter_unlink$"), { "syscalls:sys_enter_unlink" })
  lu.assertTrue(BPF.tracepoint_exists("sched", "sched_switch"))
  lu.assertFalse(BPF.tracepoint_exists("sched", "no_such"))
  lu.assertStrContains(BPF.find_library("c"), "libc.so.6")
  local path, message, errno = BPF.find_library("no-such-library")
  lu.assertNil(path)
  lu.assertNotNil(message)
  lu.assertEquals(errno, 2)
  lu.assertIs(BPF.kernel_struct_has_field("task_struct", "pid"), true)
  lu.assertIs(BPF.kernel_struct_has_field("task_struct", "no_such"), false)
  lu.assertNil(BPF.kernel_struct_has_field("no_such", "pid"))
  lu.assertIs(BPF.support_raw_tracepoint(), true)
  lu.assertEquals(BPF.get_syscall_fnname("read"), BPF.get_syscall_prefix() .. "read")
  lu.assertEquals(BPF.fix_syscall_fnname("__arm64_sys_read"), BPF.get_syscall_fnname("read"))
  lu.assertEquals(BPF.fix_syscall_fnname("read"), "read")
end

function TestPrograms:test_clock()
  local before = BPF.monotonic_time()
  lu.assertTrue(ebcc.posix.sleep(0.01))
  lu.assertTrue(BPF.monotonic_time() - before >= 10000000)
  lu.assertTrue(ebcc.posix.cpu_count() >= 1)
  lu.assertStrContains(ebcc.posix.strerror(524), "ENOTSUPP")
  lu.assertEquals(ebcc.posix.strerror(2), "No such file or directory")
  lu.assertStrContains(helper.raised(ebcc.posix.sleep, -1), "not a valid number of seconds")
end

-- Cookies: numbers that a program can tell its probes by.

local COOKIES = [[
BPF_HASH(counts, u64, u64);
int count(void *ctx)
{
  u64 cookie = bpf_get_attach_cookie(ctx);

  if (WHOSE)
    counts.increment(cookie);
  return 0;
}
]]

TestCookies = {}

function TestCookies:setUp()
  self.bpf = helper.bpf { text = COOKIES, cflags = { "-DWHOSE=OURS" } }
  self.counts = self.bpf:get_table("counts")
end

function TestCookies:tearDown()
  self.bpf:close()
end

-- The calls by cookie since the last time.
local function counted(counts)
  local found = {}
  for cookie, calls in counts:drain() do
    found[cookie] = calls
  end
  return found
end

function TestCookies:test_tracepoints()
  local link = self.bpf:attach_tracepoint { tp = helper.EVENT, fn_name = "count", cookie = 5 }
  helper.act(2)
  lu.assertEquals(counted(self.counts), { [5] = 2 })
  lu.assertTrue(link:detach())
  local cookies = { ["syscalls:sys_enter_unlink"] = 6, ["syscalls:sys_exit_unlink"] = -7 }
  local links <close> = self.bpf:attach_tracepoint { tp_re = "syscalls:sys_(enter|exit)_unlink$", fn_name = "count",
    cookie = function(name) return cookies[name] end }
  helper.act(3)
  lu.assertEquals(counted(self.counts), { [6] = 3, [-7] = 3 })
  lu.assertTrue(links:detach())
end

function TestCookies:test_raw_tracepoint()
  if not helper.kernel_has(6, 10) then
    local bpf <close> = helper.bpf(SOURCE)
    local link, message, errno = bpf:attach_raw_tracepoint { tp = "sys_enter", fn_name = "raw", cookie = 8 }
    lu.assertNil(link)
    lu.assertStrContains(message, "Linux 6.10")
    lu.assertEquals(errno, 95)
    return
  end
  local link = self.bpf:attach_raw_tracepoint { tp = "sys_enter", fn_name = "count", cookie = 8 }
  helper.act()
  lu.assertTrue(link:detach())
  local found = counted(self.counts)
  lu.assertTrue(found[8] >= 1)
  lu.assertNil(next(found, 8))
end

function TestCookies:test_perf_event()
  lu.assertNotNil(self.bpf:attach_perf_event {
    ev_type = 1, ev_config = 1, sample_freq = 999, pid = ebcc.posix.getpid(), fn_name = "count", cookie = 11,
  })
  helper.wait_for(function()
    for _ = 1, 1000000 do end
    return self.counts:get(11)
  end, "a sample")
end

function TestCookies:test_user_probes()
  local calls <close> = helper.calls()
  local bpf <close> = BPF:new { text = COOKIES, cflags = { "-DWHOSE=1" } }
  lu.assertNotNil(bpf:attach_uprobe { name = calls.path, sym_re = "work$", fn_name = "count", pid = calls.pid,
    cookie = function(name) return #name end })
  lu.assertNotNil(bpf:attach_uretprobe { name = calls.path, sym = "work", fn_name = "count", pid = calls.pid,
    cookie = math.mininteger })
  lu.assertNotNil(bpf:attach_usdt { pid = calls.pid, path = calls.path, probe = "lua:work", fn_name = "count",
    cookie = 12 })
  calls:tell("work 21 x")
  lu.assertEquals(counted(bpf:get_table("counts")), { [4] = 1, [math.mininteger] = 1, [12] = 1 })
end

-- In sources that read arguments, the kernel's only cookie says where these are.
function TestCookies:test_usdt_probe_with_arguments()
  local calls <close> = helper.calls()
  local bpf <close> = BPF:new { text = [[
BPF_ARRAY(seen, u64, 1);
int at_work(struct pt_regs *ctx)
{
  u64 number = 0;

  bpf_usdt_readarg(1, ctx, &number);
  seen.increment(0, number);
  return 0;
}
]] }
  local link, message, errno = bpf:attach_usdt { path = calls.path, probe = "lua:work", fn_name = "at_work", cookie = 3 }
  lu.assertNil(link)
  lu.assertStrContains(message, "a cookie is read by bpf_usdt_cookie(ctx); this one doesn't do that")
  lu.assertEquals(errno, 95)
end

-- Pins: names in a BPF file system.

TestPins = {}

function TestPins:setUp()
  self.folder = os.tmpname()
  self.pin = self.folder .. "/pinned"
  lu.assertEquals(select(3, helper.run(("rm %s; mkdir %s; mount -t bpf none %s"):format(self.folder, self.folder,
    self.folder))), "")
  self.bpf = helper.bpf(SOURCE)
  self.counts = self.bpf:get_table("counts")
end

function TestPins:tearDown()
  self.bpf:close()
  helper.run(("umount %s; rmdir %s"):format(self.folder, self.folder))
end

-- What bpftool shows of a pin.
local function shown(kind, path)
  return (helper.run(("bpftool -j %s show pinned %s"):format(kind, path)))
end

function TestPins:test_table()
  lu.assertTrue(self.counts:pin(self.pin))
  lu.assertStrContains(shown("map", self.pin), ('"id":%d,'):format(self.counts:facts().map_id))
  local done, message, errno = self.counts:pin(self.pin)
  lu.assertNil(done)
  lu.assertStrContains(message, "can't pin table 'counts' as " .. self.pin)
  lu.assertEquals(errno, 17)
  lu.assertTrue(self.counts:unpin(self.pin))
  lu.assertEquals(shown("map", self.pin):match("No such file"), "No such file")
  done, message, errno = self.counts:unpin(self.pin)
  lu.assertNil(done)
  lu.assertStrContains(message, self.pin)
  lu.assertEquals(errno, 2)
end

function TestPins:test_program()
  local filter, skip = self.bpf:load_func("filter", "SOCKET_FILTER"), self.bpf:load_func("skip", "SOCKET_FILTER")
  lu.assertTrue(filter:pin(self.pin))
  lu.assertStrContains(shown("prog", self.pin), '"name":"filter"')
  local text, err = helper.raised(skip.unpin, skip, self.pin)
  lu.assertStrContains(text, "is not the pin of program 'skip'")
  lu.assertEquals(err.kind, "InvalidArgumentError")
  lu.assertTrue(filter:unpin(self.pin))
  lu.assertStrContains(helper.raised(function() self.bpf.module:program("raw"):pin(self.pin) end), "'raw' is not loaded")
end

function TestPins:test_link()
  local link = self.bpf:attach_tracepoint { tp = helper.EVENT, fn_name = "first" }
  lu.assertTrue(link:pin(self.pin))
  lu.assertTrue(link:unpin(self.pin))
  lu.assertTrue(link:pin(self.pin))
  link:detach()
  self.counts:clear()
  helper.act(2)
  lu.assertEquals(self.counts:get(1), 2)
  lu.assertStrContains(helper.raised(link.unpin, link, self.pin), "detached")
  helper.run("rm " .. self.pin)
  helper.wait_for(function()
    self.counts:clear()
    helper.act()
    return not self.counts:get(1)
  end, "the end of a link")
end

function TestPins:test_links_that_cannot_be_pinned()
  local both <close> = self.bpf:attach_tracepoint { tp_re = "syscalls:sys_(enter|exit)_unlink$", fn_name = "first" }
  local xdp <close> = self.bpf:attach_xdp { dev = "lo", fn_name = "packet", flags = 2 }
  for _, case in ipairs { { both, "a pin is of one link, not of 2" }, { xdp, "attached without a BPF link" } } do
    local done, message, errno = case[1]:pin(self.pin)
    lu.assertNil(done)
    lu.assertStrContains(message, case[2])
    lu.assertEquals(errno, 95)
  end
  both:detach()
  local one = self.bpf:attach_tracepoint { tp_re = "syscalls:sys_enter_unlink$", fn_name = "first" }
  lu.assertTrue(one:pin(self.pin))
  lu.assertTrue(one:unpin(self.pin))
end

-- Global variables, and test runs of programs.

local TEST_RUN = [[
struct point { int x; short list[3]; };
u64 hits, first, second;
s32 step = 1;
bool on = true;
char text[8] = "seven";
struct point place = {3, {4, 5, 6}};
const volatile u32 limit = 10;

int filter(struct __sk_buff *skb) {
  hits += step;
  if (!on || hits > limit)
    return 0;
  text[0] = 'S';
  return place.x * 100 + place.list[1] + skb->len;
}
int enter(struct bpf_raw_tracepoint_args *ctx) {
  first = ctx->args[0];
  second = ctx->args[1];
  return -7;
}
struct request { u64 number, doubled; };
BPF_HASH(requests, u32, struct request);
int handle(struct request *request) {
  request->doubled = request->number * 2;
  return 0;
}
]]
local PACKET = ("\0"):rep(14) .. "payload"

function TestPrograms:test_globals()
  local bpf <close> = helper.bpf(TEST_RUN)
  local globals = bpf.globals
  lu.assertEquals({ globals.hits, globals.step, globals.on, globals.text, globals.limit }, { 0, 1, true, "seven", 10 })
  lu.assertEquals({ globals.place.x, globals.place.list[2] }, { 3, 5 })
  globals.step, globals.text = -1, "letters"
  local place = globals.place
  place.x = 4
  lu.assertEquals(globals.place.x, 3) -- it was a copy
  globals.place, globals.hits = place, 6
  bpf:load_func("filter", "SOCKET_FILTER")
  lu.assertEquals(assert(bpf:test_run { fn_name = "filter", data = PACKET }).retval, 400 + 5 + 7)
  lu.assertEquals({ globals.hits, globals.text }, { 5, "Setters" })
  globals.on = false
  lu.assertEquals(bpf:test_run { fn_name = "filter", data = PACKET }.retval, 0)
  local names = {}
  for name, value in pairs(globals) do
    names[#names + 1] = name
    lu.assertNotNil(value)
  end
  table.sort(names)
  lu.assertEquals(table.concat(names, " "), "first hits limit on place second step text")
  lu.assertStrContains(helper.raised(function() globals.limit = 5 end), "'limit' is const")
  lu.assertStrContains(helper.raised(function() return globals.hit end), "no global variable 'hit', or no program uses it; did you mean hits")
  lu.assertStrContains(helper.raised(function() globals.step = 1 << 32 end), "step")
  lu.assertEquals(globals.step, -1)
end

function TestPrograms:test_test_run()
  local bpf <close> = helper.bpf(TEST_RUN)
  bpf:load_func("filter", "SOCKET_FILTER")
  bpf:load_func("enter", "RAW_TRACEPOINT")
  bpf:load_func("handle", "SYSCALL")
  local run = bpf:test_run { fn_name = "filter", data = PACKET, repeats = 9 }
  lu.assertEquals({ run.retval, run.data, run.ctx, bpf.globals.hits }, { 300 + 5 + 7, PACKET, nil, 9 })
  lu.assertTrue(run.duration > 0)
  run = bpf:test_run { fn_name = "enter", ctx = { -1, 5 }, cpu = 0 }
  lu.assertEquals({ run.retval, run.data, bpf.globals.first, bpf.globals.second }, { -7, "", -1, 5 })
  run = bpf:test_run { fn_name = "handle", ctx = ("=I8I8"):pack(21, 0) }
  lu.assertEquals({ run.retval, ("=I8I8"):unpack(run.ctx) }, { 0, 21, 42, 17 })
  lu.assertStrContains(helper.raised(bpf.test_run, bpf, { fn_name = "enter", data = PACKET }), "data of 21 bytes")
  lu.assertStrContains(helper.raised(bpf.test_run, bpf, { fn_name = "filter", data = "short" }), "at least 14 bytes")
end
