# SPDX-License-Identifier: Apache-2.0
"""The forms in which a source may store addresses in data: for each, C text, and what the program must read.

The text of a case is the middle of a program that gets a number `i` and sets `result.value` and `result.text`. The
table is used on this machine and in the guests of tests/vm, in raw tracepoint programs and in programs on packets.
"""

from dataclasses import dataclass

PROLOGUE = """
struct result_t { u64 value; char text[16]; };
BPF_HASH(results, u32, struct result_t, 1024);
#define COPY(from) for (int at = 0; at < 15; at++) { char c = (from)[at]; if (!c) break; result.text[at] = c; }
struct entry_t { int id; const char *name; };
"""
PROGRAM = """
%(before)s
%(head)s
{
    struct result_t result = {};
    u32 i, key;
    %(number)s
    key = %(index)d * 100 + i;
    {
%(body)s
    }
    results.update(&key, &result);
    return 0;
}
"""
HEADS = {
    "raw_tracepoint": ("int %s(struct bpf_raw_tracepoint_args *ctx)", "i = ctx->args[0];"),
    "xdp": ("int %s(struct xdp_md *ctx)", """
        u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
        if (data + 14 > end)
            return 0;
        i = data[0];"""),
}


@dataclass
class Case:
    """One form. texts, values: what the program must see for i = 0, 1, 2 ..."""
    name: str
    before: str
    body: str
    texts: tuple = ()
    values: tuple = ()

    @property
    def function(self):
        """The name of the program of this case."""
        return "case_" + self.name

    @property
    def count(self):
        """The number of values of i with which it is run."""
        return max(len(self.texts), len(self.values))


WORDS = ("zero", "one", "two", "three", "four")
LIST = ", ".join('"%s"' % word for word in WORDS)
PAIRS = ", ".join('{%d, "%s"}' % (10 + number, word) for number, word in enumerate(WORDS))
BOUND = "if (i >= 5) return 0; "
COPY_NAME = BOUND + "const char *p = names_%s[i]; COPY(p)"


def table_case(name, declaration, body=None, **expected):
    """A case with a table of words, which is named names_NAME."""
    return Case(name, declaration % {"list": LIST, "name": "names_" + name},
                body % {"name": "names_" + name} if body else COPY_NAME % name, **expected or {"texts": WORDS})


CASES = [
    table_case("constant_table", "static const char *const %(name)s[] = {%(list)s};"),
    table_case("table_of_variables", "static const char *%(name)s[] = {%(list)s};"),
    table_case("visible_table", "const char *%(name)s[] = {%(list)s};"),
    table_case("first_byte", "static const char *const %(name)s[] = {%(list)s};",
               BOUND + "result.value = %(name)s[i][0];", values=tuple(map(ord, "zottf"))),
    table_case("copied_by_helper", "static const char *const %(name)s[] = {%(list)s};",
               BOUND + "result.value = bpf_probe_read_kernel_str(result.text, 16, %(name)s[i]);",
               texts=WORDS, values=tuple(len(word) + 1 for word in WORDS)),
    table_case("moving_pointer", "static const char *const %(name)s[] = {%(list)s};", """
        const char *const *at = %(name)s;
        for (int step = 0; step < 4; step++)
            if (step < i)
                at++;
        const char *p = *at;
        COPY(p)""", texts=WORDS),
    table_case("every_entry", "static const char *const %(name)s[] = {%(list)s};", """
        if (i >= 3)
            return 0;
        for (int at = 0; at < 5; at++) {
            const char *p = %(name)s[at];
            result.value = result.value * 128 + p[i];
        }""", values=tuple(sum(ord(word[at]) * 128 ** (4 - number) for number, word in enumerate(WORDS)) for at in range(3))),
    table_case("chosen_and_compared", "static const char *const %(name)s[] = {%(list)s};",
               BOUND + "const char *p = %(name)s[i]; result.value = p == %(name)s[3]; COPY(p)",
               texts=WORDS, values=(0, 0, 0, 1, 0)),
    Case("one_word", 'static const char *word_one = "xyz"; const char *word_two = "uvw";', """
        const char *p = i ? word_two : word_one;
        COPY(p)""", texts=("xyz", "uvw", "uvw")),
    Case("array_of_structs", "static const struct entry_t entries_plain[] = {%s};" % PAIRS,
         BOUND + "result.value = entries_plain[i].id; const char *p = entries_plain[i].name; COPY(p)",
         texts=WORDS, values=(10, 11, 12, 13, 14)),
    Case("struct_copied_by_value", "static const struct entry_t entries_copied[] = {%s};" % PAIRS,
         BOUND + "struct entry_t e = entries_copied[i]; result.value = e.id; const char *p = e.name; COPY(p)",
         texts=WORDS, values=(10, 11, 12, 13, 14)),
    Case("struct_copied_by_helper", "static const struct entry_t entries_read[] = {%s};" % PAIRS, BOUND + """
        struct entry_t e = {};
        bpf_probe_read_kernel(&e, sizeof(e), &entries_read[i]);
        result.value = e.id;
        bpf_probe_read_kernel_str(result.text, 16, e.name);""", texts=WORDS, values=(10, 11, 12, 13, 14)),
    Case("counter_beside_an_address", 'static struct { const char *name; u64 count; } counter = {"calls", 5};', """
        counter.count++;
        result.value = counter.count;
        const char *p = counter.name;
        COPY(p)""", texts=("calls",) * 3, values=(6, 7, 8)),
    Case("local_table", "", BOUND + "const char *const words[] = {%s}; const char *p = words[i]; COPY(p)" % LIST, texts=WORDS),
    Case("local_table_that_changes", "", """
        const char *words[] = {"a", "b", "c"};
        if (i >= 3)
            return 0;
        if (i == 2)
            words[2] = words[0];
        bpf_probe_read_kernel_str(result.text, 16, words[i]);""", texts=("a", "b", "a")),
    Case("static_table_in_a_function", "", BOUND + "static const char *const words[] = {%s}; const char *p = words[i]; COPY(p)" % LIST,
         texts=WORDS),
    Case("table_of_tables", """static const char *const left[] = {"a0", "a1"};
        static const char *const right[] = {"b0", "b1", "b2"};
        static const char *const *const both[] = {left, right};""",
         "if (i >= 4) return 0; const char *p = both[i >> 1][i & 1]; COPY(p)", texts=("a0", "a1", "b0", "b1")),
    Case("first_of_a_table_of_tables", """static const char *const these[] = {"t0", "t1"};
        static const char *const those[] = {"u0", "u1"};
        static const char *const *const lists[] = {these, those};""",
         "if (i >= 2) return 0; const char *p = *lists[i]; COPY(p)", texts=("t0", "u0")),
    Case("copies_of_structs_elsewhere", """static const struct entry_t near_one = {5, "near"}, far_one = {6, "far"};
        static const struct entry_t *const either[] = {&near_one, &far_one};""", """
        if (i >= 2)
            return 0;
        struct entry_t e = *either[i];
        result.value = e.id;
        const char *p = e.name;
        COPY(p)""", texts=("near", "far"), values=(5, 6)),
    Case("table_of_structs_elsewhere", """static const struct entry_t first = {7, "seven"}, second = {8, "eight"};
        static const struct entry_t *const places[] = {&first, &second};""", """
        if (i >= 2)
            return 0;
        const struct entry_t *e = places[i];
        result.value = e->id;
        const char *p = e->name;
        COPY(p)""", texts=("seven", "eight"), values=(7, 8)),
    Case("linked_list", """struct node_t { int number; const struct node_t *next; };
        static const struct node_t node_c = {3, 0}, node_b = {2, &node_c}, node_a = {1, &node_b};""", """
        const struct node_t *node = &node_a;
        for (int step = 0; step < 3 && node; step++) {
            result.value = result.value * 10 + node->number;
            if (step == i)
                break;
            node = node->next;
        }""", values=(1, 12, 123, 123)),
    Case("table_in_two_dimensions", 'static const char *const square[2][2] = {{"00", "01"}, {"10", "11"}};',
         "if (i >= 4) return 0; const char *p = square[i >> 1][i & 1]; COPY(p)", texts=("00", "01", "10", "11")),
    Case("null_terminated", 'static const char *const terminated[] = {"a", "b", "c", 0};', """
        for (int at = 0; at < 4; at++) {
            const char *p = terminated[at];
            if (!p)
                break;
            result.value++;
            if (at == i)
                result.text[0] = p[0];
        }""", texts=("a", "b", "c", ""), values=(3, 3, 3, 3)),
    Case("gaps", 'static const char *const sparse[5] = {[1] = "one", [3] = "three"};', BOUND + """
        const char *p = sparse[i];
        if (!p)
            p = "none";
        COPY(p)""", texts=("none", "one", "none", "three", "none")),
    Case("addresses_of_variables", """static u64 x, y, z;
        static u64 *const variables[] = {&x, &y, &z};""", """
        if (i >= 3)
            return 0;
        *variables[i] += i + 5;
        result.value = x * 10000 + y * 100 + z;""", values=(50000, 50600, 50607)),
    Case("strings_and_variables", """static char changing[16] = "var";
        static const char *const mixture[] = {"con", changing, "stant"};""", """
        if (i >= 3)
            return 0;
        changing[0] = 'c';
        const char *p = mixture[i];
        COPY(p)""", texts=("con", "car", "stant")),
    Case("tables_of_maps", """BPF_HASH(map_a, u32, u64, 16);
        BPF_HASH(map_b, u32, u64, 16);
        static void *const maps[] = {&map_a, &map_b};""", """
        u32 zero = 0;
        u64 number = 40 + i, *found;
        void *map;
        if (i >= 2)
            return 0;
        map = maps[i];
        bpf_map_update_elem(map, &zero, &number, 0);
        found = map_b.lookup(&zero);
        result.value = found ? *found : 0;""", values=(0, 41)),
    Case("addresses_as_numbers", 'static const u64 numbers[] = {(u64)"zero", (u64)"one"};',
         "if (i >= 2) return 0; bpf_probe_read_kernel_str(result.text, 16, (void *)numbers[i]);", texts=("zero", "one")),
    Case("switch", """static __always_inline const char *name_of(u32 i) {
            switch (i) {
            %s
            default: return "many";
            }
        }""" % " ".join('case %d: return "%s";' % pair for pair in enumerate(WORDS)),
         "const char *p = name_of(i); COPY(p)", texts=WORDS + ("many", "many")),
    Case("switch_of_structs", """static const struct entry_t low = {1, "low"}, high = {2, "high"}, top = {3, "top"}, sky = {4, "sky"};
        static __always_inline const struct entry_t *level(u32 i) {
            switch (i) { case 0: return &low; case 1: return &high; case 2: return &top; default: return &sky; }
        }""", "const struct entry_t *e = level(i); result.value = e->id; const char *p = e->name; COPY(p)",
         texts=("low", "high", "top", "sky"), values=(1, 2, 3, 4)),
    Case("ternary", "", 'const char *p = i == 0 ? "zero" : i == 1 ? "one" : "more"; COPY(p)', texts=("zero", "one", "more")),
    Case("set_by_a_program", "static const char *word_set;", """
        if (i == 1)
            word_set = "abc";
        if (word_set)
            bpf_probe_read_kernel_str(result.text, 16, word_set);""", texts=("", "abc", "abc")),
    Case("many_entries", "static const char *const hundred[] = {%s};" % ", ".join('"entry %d"' % number for number in range(256)),
         "if (i >= 256) return 0; const char *p = hundred[255 - i]; COPY(p)", texts=tuple("entry %d" % (255 - number) for number in range(3))),
]

# bpf_strncmp() came with Linux 5.17. It accepts only constant addresses.
STRNCMP_CASE = table_case("compared_by_helper", "static const char *const %(name)s[] = {%(list)s};",
                          BOUND + 'char text[8] = "three"; result.value = !bpf_strncmp(text, 8, %(name)s[i]);', values=(0, 0, 0, 1, 0))
# Programs on packets can't read through an address that was stored in memory in between.
NOT_ON_PACKETS = {"set_by_a_program", "local_table_that_changes"}


def module_text(cases, kind):
    """A source with a program for each case. kind is a key of HEADS."""
    head, number = HEADS[kind]
    return PROLOGUE + "".join(PROGRAM % {"before": case.before, "head": head % case.function, "number": number, "index": index,
                                         "body": case.body} for index, case in enumerate(cases))


def check(case, index, results):
    """Asserts that the program of a case saw the expected texts and values."""
    seen = [results[index * 100 + number] for number in range(case.count)]
    if case.texts:
        assert tuple(result.text.decode() for result in seen) == case.texts
    if case.values:
        assert tuple(result.value for result in seen) == case.values
