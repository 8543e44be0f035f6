// SPDX-License-Identifier: Apache-2.0
/*
 * Each IR pass alone, on small modules written as IR. test_dialect.c tests whole sources, and the
 * kernel's verifier on the result.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <llvm-c/Analysis.h>
#include <llvm-c/IRReader.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>
#include <llvm-c/Transforms/PassBuilder.h>

#include "compiler/passes/util.h"

#define HEADER                                                                                     \
	"target datalayout = \"e-m:e-p:64:64-i64:64-i128:128-n32:64-S128\"\n"                      \
	"target triple = \"bpfel\"\n"

static struct ebcc_ir ir;
static struct ebcc_ir_opts opts;
static LLVMContextRef context;
static char *printed;
static unsigned errors, warnings;
static char last_message[512];

static void on_report(void *ctx, enum ebcc_cc_severity severity, const char *path, unsigned line,
		      unsigned column, const char *message)
{
	if (severity >= EBCC_CC_ERROR)
		errors++;
	else
		warnings++;
	snprintf(last_message, sizeof(last_message), "%s", message);
}

static void setup(void)
{
	context = LLVMContextCreate();
	opts = (struct ebcc_ir_opts){.arch = EBCC_ARCH_X86_64};
	errors = warnings = 0;
	last_message[0] = '\0';
	printed = NULL;
}

static void teardown(void)
{
	LLVMDisposeMessage(printed);
	ebcc_ir_deinit(&ir);
	LLVMDisposeModule(ir.module);
	LLVMContextDispose(context);
}

static void parse(const char *text)
{
	LLVMMemoryBufferRef buffer;
	char *message = NULL;

	buffer = LLVMCreateMemoryBufferWithMemoryRangeCopy(text, strlen(text), "test");
	ir = (struct ebcc_ir){.opts = &opts, .report = on_report};
	ck_assert_msg(!LLVMParseIRInContext(context, buffer, &ir.module, &message), "%s", message);
	ebcc_ir_init(&ir);
}

/* Runs a pass and returns the IR, which must be valid; only of one function if @function is not
 * NULL. */
static const char *after(void (*pass)(struct ebcc_ir *), const char *function)
{
	char *message = NULL;

	pass(&ir);
	ck_assert_msg(!LLVMVerifyModule(ir.module, LLVMReturnStatusAction, &message), "%s",
		      message);
	LLVMDisposeMessage(message);
	LLVMDisposeMessage(printed);
	if (function) {
		LLVMValueRef value = LLVMGetNamedFunction(ir.module, function);

		ck_assert_ptr_nonnull(value);
		printed = LLVMPrintValueToString(value);
	} else {
		printed = LLVMPrintModuleToString(ir.module);
	}
	return printed;
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	for (text = strstr(text, what); text; text = strstr(text + 1, what))
		n++;
	return n;
}

#define ck_assert_count(text, what, n)                                                             \
	ck_assert_msg(count(text, what) == (n), "%u of '%s', not %u, in:\n%s", count(text, what),  \
		      what, (unsigned)(n), text)

/* Addresses in data. */

#define TWO_NAMES                                                                                  \
	"@one = private unnamed_addr constant [4 x i8] c\"one\\00\"\n"                             \
	"@two = private unnamed_addr constant [4 x i8] c\"two\\00\"\n"

/* A table such as simplifycfg makes from a switch, and others that nothing reads. */
START_TEST(table_becomes_numbers)
{
	const char *text;

	parse(HEADER TWO_NAMES
	      "@table = private constant [3 x ptr] [ptr @one, ptr null, ptr @two]\n"
	      "@idle = global ptr getelementptr (i8, ptr @two, i64 1)\n"
	      "define ptr @p(i64 %i) {\n"
	      "  %a = getelementptr inbounds [3 x ptr], ptr @table, i64 0, i64 %i\n"
	      "  %r = load ptr, ptr %a\n  ret ptr %r\n}\n");
	text = after(ebcc_ir_tables, NULL);
	ck_assert_count(text, "@table = private constant [3 x i64] [i64 16, i64 0, i64 20]", 1);
	ck_assert_count(text, "@idle = constant i64 21", 1);
	ck_assert_count(text, "load i64, ptr %a", 1);
	ck_assert_count(text, "icmp ugt i64 %0, 20", 1);
	ck_assert_count(text, "icmp eq i64 %0, 0", 1);
	ck_assert_uint_eq(errors, 0);
}
END_TEST

START_TEST(variable_is_a_case_of_its_own)
{
	const char *text;

	parse(HEADER TWO_NAMES "@x = global i32 1\n"
			       "@table = private constant [2 x ptr] [ptr @x, ptr @x]\n"
			       "@mixed = private constant [3 x ptr] [ptr @one, ptr @x, ptr "
			       "inttoptr (i64 7 to ptr)]\n"
			       "define ptr @p(i64 %i) {\n"
			       "  %a = getelementptr ptr, ptr @table, i64 %i\n"
			       "  %r = load ptr, ptr %a\n  ret ptr %r\n}\n"
			       "define ptr @q(i64 %i) {\n"
			       "  %a = getelementptr ptr, ptr @mixed, i64 %i\n"
			       "  %r = load ptr, ptr %a\n  ret ptr %r\n}\n");
	text = after(ebcc_ir_tables, NULL);
	/* All entries of the first table are equal. */
	ck_assert_count(text, "ret ptr @x", 2);
	ck_assert_count(text, "ret ptr inttoptr (i64 7 to ptr)", 1);
	ck_assert_count(text, "define internal ptr @__ebcc_address", 1);
	ck_assert_uint_eq(errors, 0);
}
END_TEST

START_TEST(addresses_beside_numbers)
{
	const char *text;

	parse(HEADER TWO_NAMES
	      "%e = type { i32, ptr }\n"
	      "@table = private constant [2 x %e] [%e { i32 1, ptr @one }, %e { i32 2, ptr @two "
	      "}]\n"
	      "declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)\n"
	      "define i32 @p(i64 %i, ptr %to) {\n"
	      "  %a = getelementptr %e, ptr @table, i64 %i\n"
	      "  %r = load i32, ptr %a\n"
	      "  call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %a, i64 16, i1 false)\n"
	      "  ret i32 %r\n}\n");
	text = after(ebcc_ir_tables, "p");
	ck_assert_count(text, "load i32, ptr %a", 1);
	ck_assert_count(text, "load i64, ptr", 1);
	ck_assert_count(text, "store ptr", 1);
	ck_assert_uint_eq(errors, 0);
}
END_TEST

static void assert_refused(const char *text, const char *words)
{
	parse(text);
	ebcc_ir_tables(&ir);
	ck_assert_uint_eq(errors, 1);
	ck_assert_msg(strstr(last_message, words), "%s", last_message);
}

#define TABLE TWO_NAMES "@table = private constant [2 x ptr] [ptr @one, ptr @two]\n"

START_TEST(part_of_an_address)
{
	assert_refused(HEADER TABLE
		       "define i32 @p() {\n  %r = load i32, ptr @table\n  ret i32 %r\n}\n",
		       "'table' contains addresses");
}
END_TEST

START_TEST(copy_that_ends_in_an_address)
{
	assert_refused(HEADER TABLE
		       "declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)\n"
		       "define void @p(ptr %to) {\n"
		       "  call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr @table, i64 12, i1 0)\n"
		       "  ret void\n}\n",
		       "'table' contains addresses");
}
END_TEST

START_TEST(table_whose_address_is_stored)
{
	assert_refused(HEADER TABLE "define void @p(ptr %to) {\n  store ptr @table, ptr %to\n"
				    "  ret void\n}\n",
		       "'table' contains addresses");
}
END_TEST

START_TEST(table_or_elsewhere)
{
	assert_refused(HEADER TABLE "define ptr @p(i1 %c, ptr %other) {\n"
				    "  %s = select i1 %c, ptr %other, ptr @table\n"
				    "  %r = load ptr, ptr %s\n  ret ptr %r\n}\n",
		       "or elsewhere");
}
END_TEST

START_TEST(table_of_functions)
{
	assert_refused(HEADER "define void @f() {\n  ret void\n}\n"
			      "@table = global [1 x ptr] [ptr @f]\n",
		       "the function 'f'");
}
END_TEST

START_TEST(call_through_a_pointer)
{
	parse(HEADER "define void @p(ptr %f) {\n  call void %f()\n  ret void\n}\n");
	ebcc_ir_undefined(&ir);
	ck_assert_uint_eq(errors, 1);
	ck_assert_ptr_nonnull(strstr(last_message, "call through a pointer"));
}
END_TEST

/* Markers. */

#define LOOKUP_OR_INIT                                                                             \
	"declare ptr @__ebcc_lookup_or_init__m(ptr, ptr)\n"                                        \
	"define internal ptr @__ebcc_lookup_or_try_init__m(ptr %a, ptr %b) {\n ret ptr %a\n}\n"

START_TEST(lookup_or_init_returns_zero_and_keeps_phis)
{
	const char *text;

	parse(HEADER LOOKUP_OR_INIT
	      "define i32 @p(ptr %k, i1 %c) {\n"
	      "entry:\n  br i1 %c, label %found, label %end\n"
	      "found:\n  %v = call ptr @__ebcc_lookup_or_init__m(ptr %k, ptr null)\n"
	      "  %n = load i32, ptr %v\n  br i1 %c, label %end, label %other\n"
	      "other:\n  br label %end\n"
	      "end:\n  %r = phi i32 [ 1, %entry ], [ %n, %found ], [ 3, %other ]\n"
	      "  ret i32 %r\n}\n");
	text = after(ebcc_ir_markers, "p");
	ck_assert_count(text, "@__ebcc_lookup_or_init__m", 0);
	ck_assert_count(text, "call ptr @__ebcc_lookup_or_try_init__m(ptr %k, ptr null)", 1);
	ck_assert_count(text, "icmp eq ptr", 1);
	ck_assert_count(text, "label %full, label %initialized", 1);
	ck_assert_count(text, "[ 1, %entry ], [ %2, %initialized ], [ 3, %other ]", 1);
	ck_assert_count(text, "full:", 1);
	ck_assert_count(strstr(text, "full:"), "ret i32 0", 1);
	ck_assert_uint_eq(errors, 0);
}
END_TEST

START_TEST(lookup_or_init_twice_in_a_block_of_a_void_function)
{
	const char *text;

	parse(HEADER LOOKUP_OR_INIT "define void @p(ptr %k) {\n"
				    "  %a = call ptr @__ebcc_lookup_or_init__m(ptr %k, ptr null)\n"
				    "  store i32 1, ptr %a\n"
				    "  %b = call ptr @__ebcc_lookup_or_init__m(ptr %k, ptr null)\n"
				    "  store i32 2, ptr %b\n  ret void\n}\n");
	text = after(ebcc_ir_markers, "p");
	ck_assert_count(text, "call ptr @__ebcc_lookup_or_try_init__m", 2);
	ck_assert_count(text, "ret void", 3);
	ck_assert_count(text, "store i32", 2);
}
END_TEST

START_TEST(increment_adds_one_or_what_is_given)
{
	const char *text;

	parse(HEADER "declare void @__ebcc_increment__m(i32, ...)\n"
		     "declare void @__ebcc_atomic_increment__m(i32, ...)\n"
		     "define internal void @__ebcc_add__m(i32 %k, i64 %n) {\n ret void\n}\n"
		     "define internal void @__ebcc_atomic_add__m(i32 %k, i64 %n) {\n ret void\n}\n"
		     "define i32 @p(i32 %n, i64 %m) {\n"
		     "  call void (i32, ...) @__ebcc_increment__m(i32 7)\n"
		     "  call void (i32, ...) @__ebcc_increment__m(i32 8, i32 -2)\n"
		     "  call void (i32, ...) @__ebcc_increment__m(i32 9, i32 %n)\n"
		     "  call void (i32, ...) @__ebcc_atomic_increment__m(i32 10, i64 %m)\n"
		     "  ret i32 0\n}\n");
	text = after(ebcc_ir_markers, "p");
	ck_assert_count(text, "@__ebcc_add__m(i32 7, i64 1)", 1);
	ck_assert_count(text, "@__ebcc_add__m(i32 8, i64 -2)", 1);
	ck_assert_count(text, "sext i32 %n to i64", 1);
	ck_assert_count(text, "@__ebcc_atomic_add__m(i32 10, i64 %m)", 1);
	ck_assert_count(text, "increment", 0);
}
END_TEST

START_TEST(increment_passes_a_struct_as_it_was_passed)
{
	const char *text;

	parse(HEADER "%struct.k = type { [5 x i64] }\n"
		     "declare void @__ebcc_increment__m(ptr byval(%struct.k), ...)\n"
		     "define internal void @__ebcc_add__m(ptr byval(%struct.k) %k, i64 %n) {\n"
		     " ret void\n}\n"
		     "define i32 @p(ptr %k) {\n  call void (ptr, ...) @__ebcc_increment__m("
		     "ptr byval(%struct.k) align 8 %k)\n  ret i32 0\n}\n");
	text = after(ebcc_ir_markers, "p");
	ck_assert_count(text, "@__ebcc_add__m(ptr byval(%struct.k) align 8 %k, i64 1)", 1);
}
END_TEST

#define PRINTK "declare i32 @__ebcc_trace_printk(ptr, ...)\n"

START_TEST(printk_knows_the_size_of_a_literal)
{
	const char *text;

	parse(HEADER PRINTK
	      "@f = private unnamed_addr constant [9 x i8] c\"a %d %s\\0A\\00\"\n"
	      "define i32 @p(i32 %n, ptr %s) {\n"
	      "  %r = call i32 (ptr, ...) @__ebcc_trace_printk(ptr @f, i32 %n, ptr %s)\n"
	      "  ret i32 %r\n}\n");
	text = after(ebcc_ir_markers, "p");
	ck_assert_count(text, "call i64 inttoptr (i64 6 to ptr)(ptr @f, i32 9, i64 ", 1);
	ck_assert_count(text, "sext i32 %n to i64", 1);
	ck_assert_count(text, "__ebcc_trace_printk", 0);
}
END_TEST

START_TEST(printk_takes_the_size_that_the_helper_wants)
{
	const char *text;

	/* A literal with its size given too, so one value more than it prints; and an array. */
	parse(HEADER PRINTK
	      "@f = private unnamed_addr constant [4 x i8] c\"%d\\0A\\00\"\n"
	      "define i32 @p(i32 %n) {\n  %a = alloca [6 x i8]\n"
	      "  %r = call i32 (ptr, ...) @__ebcc_trace_printk(ptr @f, i64 4, i32 %n)\n"
	      "  %s = call i32 (ptr, ...) @__ebcc_trace_printk(ptr %a, i64 6, i32 %n)\n"
	      "  %t = call i32 (ptr, ...) @__ebcc_trace_printk(ptr %a)\n"
	      "  ret i32 0\n}\n");
	text = after(ebcc_ir_markers, "p");
	ck_assert_count(text, "inttoptr (i64 6 to ptr)(ptr @f, i32 4, i64 %", 1);
	ck_assert_count(text, "inttoptr (i64 6 to ptr)(ptr %a, i32 6, i64 %", 1);
	ck_assert_count(text, "inttoptr (i64 6 to ptr)(ptr %a, i32 6)", 1);
}
END_TEST

START_TEST(printk_puts_many_values_into_an_array)
{
	const char *text;

	parse(HEADER PRINTK
	      "@f = private unnamed_addr constant [12 x i8] c\"%d %d %d %d\\00\"\n"
	      "define i32 @p(i64 %n) {\n  %r = call i32 (ptr, ...) @__ebcc_trace_printk("
	      "ptr @f, i64 %n, i64 2, i64 3, i64 4)\n  ret i32 %r\n}\n");
	text = after(ebcc_ir_markers, "p");
	ck_assert_count(text, "alloca [4 x i64]", 1);
	ck_assert_count(text, "store i64", 4);
	ck_assert_count(text, "inttoptr (i64 177 to ptr)(ptr @f, i32 12, ptr %slot, i32 32)", 1);
}
END_TEST

/* Maps. */

START_TEST(maps_take_their_names_from_their_tables)
{
	const char *text;

	parse(HEADER "@__ebcc_map_start = global i64 0, section \".maps\"\n"
		     "@start = internal constant { ptr } { ptr @f }\n"
		     "define internal void @f() {\n ret void\n}\n"
		     "define ptr @p() {\n ret ptr @start\n}\n");
	text = after(ebcc_ir_maps, NULL);
	ck_assert_count(text, "@start = global i64 0, section \".maps\"", 1);
	ck_assert_count(text, "ret ptr @start", 1);
	ck_assert_count(text, "__ebcc_map_", 0);
	ck_assert_count(text, "internal constant", 0);
}
END_TEST

/* Inlining. */

START_TEST(calls_from_two_places_are_not_recursion)
{
	parse(HEADER
	      "define internal i32 @a(i32 %n) {\n ret i32 %n\n}\n"
	      "define internal i32 @b(i32 %n) {\n  %r = call i32 @a(i32 %n)\n ret i32 %r\n}\n"
	      "define i32 @p(ptr %ctx) {\n  %r = call i32 @a(i32 1)\n"
	      "  %s = call i32 @b(i32 %r)\n  ret i32 %s\n}\n");
	after(ebcc_ir_mark_inline, "p");
	ck_assert_uint_eq(errors, 0);
}
END_TEST

START_TEST(callbacks_stay_functions)
{
	LLVMValueRef callback;
	const char *text;

	parse(HEADER "define i32 @cb(i32 %i, ptr %c) alwaysinline section \"x\" {\n ret i32 0\n}\n"
		     "define internal i32 @f(ptr %c) noinline optnone {\n ret i32 0\n}\n"
		     "define i32 @p(ptr %ctx) {\n  %r = call i64 inttoptr (i64 181 to ptr)"
		     "(i32 3, ptr @cb, ptr null, i64 0)\n  %s = call i32 @f(ptr %ctx)\n"
		     "  ret i32 %s\n}\n");
	text = after(ebcc_ir_mark_inline, NULL);
	callback = LLVMGetNamedFunction(ir.module, "cb");
	ck_assert_int_eq(LLVMGetLinkage(callback), LLVMInternalLinkage);
	ck_assert_ptr_null(LLVMGetSection(callback));
	ck_assert_count(text, "@cb(i32 %i, ptr %c) #0 {", 1);
	ck_assert_count(text, "#0 = { noinline }", 1);
	ck_assert_count(text, "#1 = { alwaysinline }", 1);
	ck_assert_count(text, "optnone", 0);
}
END_TEST

START_TEST(helper_functions_that_lack_static_are_no_programs)
{
	parse(HEADER "define i32 @add(i32 %a, i32 %b) {\n  ret i32 %a\n}\n"
		     "define i32 @single(ptr %ctx) {\n  ret i32 2\n}\n"
		     "define i32 @p(ptr %ctx) {\n  %r = call i32 @add(i32 1, i32 2)\n"
		     "  %s = call i32 @single(ptr %ctx)\n  ret i32 %r\n}\n");
	after(ebcc_ir_mark_inline, NULL);
	ck_assert_int_eq(LLVMGetLinkage(LLVMGetNamedFunction(ir.module, "add")),
			 LLVMInternalLinkage);
	ck_assert_int_eq(LLVMGetLinkage(LLVMGetNamedFunction(ir.module, "single")),
			 LLVMExternalLinkage);
	ck_assert_int_eq(LLVMGetLinkage(LLVMGetNamedFunction(ir.module, "p")), LLVMExternalLinkage);
}
END_TEST

/* Programs with debug info as clang generates it, which gives context type and parameters. */

#define DEBUG_INFO(context_type)                                                                   \
	"!llvm.module.flags = !{!100}\n!llvm.dbg.cu = !{!101}\n"                                   \
	"!100 = !{i32 2, !\"Debug Info Version\", i32 3}\n"                                        \
	"!101 = distinct !DICompileUnit(language: DW_LANG_C11, file: !102, emissionKind: "         \
	"FullDebug)\n"                                                                             \
	"!102 = !DIFile(filename: \"main.c\", directory: \"/\")\n"                                 \
	"!103 = !DISubroutineType(types: !104)\n!104 = !{!105, !106}\n"                            \
	"!105 = !DIBasicType(name: \"int\", size: 32, encoding: DW_ATE_signed)\n"                  \
	"!106 = !DIDerivedType(tag: DW_TAG_pointer_type, baseType: !107, size: 64)\n"              \
	"!107 = " context_type "\n"                                                                \
	"!108 = distinct !DISubprogram(name: \"p\", file: !102, line: 5, type: !103, unit: !101, " \
	"spFlags: DISPFlagDefinition)\n"
#define PT_REGS                                                                                    \
	DEBUG_INFO("!DICompositeType(tag: DW_TAG_structure_type, name: \"pt_regs\", size: 1344)")
#define TYPED                                                                                      \
	DEBUG_INFO(                                                                                \
		"!DIBasicType(name: \"unsigned long long\", size: 64, encoding: DW_ATE_unsigned)")
#define XDP DEBUG_INFO("!DICompositeType(tag: DW_TAG_structure_type, name: \"xdp_md\", size: 192)")

#define ARGUMENTS                                                                                  \
	"define i32 @%s(ptr %%ctx, ptr %%a, i32 %%b, i8 %%c, i64 %%d, i64 %%e, i64 %%f) !dbg "     \
	"!108 {\n"                                                                                 \
	"entry:\n  %%x = alloca i64\n  store ptr %%a, ptr %%x\n  %%bb = zext i32 %%b to i64\n"     \
	"  %%cc = zext i8 %%c to i64\n  %%s1 = add i64 %%bb, %%cc\n  %%s2 = add i64 %%s1, %%d\n"   \
	"  %%s3 = add i64 %%s2, %%e\n  %%s4 = add i64 %%s3, %%f\n  %%r = trunc i64 %%s4 to i32\n"  \
	"  ret i32 %%r\n}\n"

static const char *arguments_of(const char *name)
{
	char text[4096];

	snprintf(text, sizeof(text), HEADER ARGUMENTS, name);
	strcat(text, PT_REGS);
	parse(text);
	return after(ebcc_ir_arguments, name);
}

START_TEST(arguments_are_registers_on_x86)
{
	const char *text = arguments_of("p");

	ck_assert_count(text, "define i32 @p(ptr %0)", 1);
	ck_assert_count(text, "getelementptr i8, ptr %0, i64 112", 1);
	ck_assert_count(text, "getelementptr i8, ptr %0, i64 104", 1);
	ck_assert_count(text, "getelementptr i8, ptr %0, i64 96", 1);
	ck_assert_count(text, "getelementptr i8, ptr %0, i64 88", 1);
	ck_assert_count(text, "getelementptr i8, ptr %0, i64 72", 1);
	ck_assert_count(text, "getelementptr i8, ptr %0, i64 64", 1);
	ck_assert_count(text, "load i64, ptr %", 6);
	/* Allocas in the first block stay static: nothing precedes them. */
	ck_assert_ptr_nonnull(strstr(text, "entry:\n  %x = alloca i64"));
	ck_assert_count(text, "!dbg !", 1 + 6 * 2 + 3);
}
END_TEST

START_TEST(arguments_are_registers_on_arm64)
{
	const char *text;

	opts.arch = EBCC_ARCH_ARM64;
	text = arguments_of("p");
	ck_assert_count(text, "getelementptr i8, ptr %0, i64 0\n", 0);
	for (unsigned i = 0; i < 6; i++) {
		char place[64];

		snprintf(place, sizeof(place), "getelementptr i8, ptr %%0, i64 %u,", i * 8);
		ck_assert_count(text, place, 1);
	}
}
END_TEST

START_TEST(arguments_of_a_system_call_are_behind_its_first)
{
	const char *text = arguments_of("syscall__openat");

	ck_assert_count(text, "load ptr, ptr %", 1);
	ck_assert_count(text, "inttoptr (i64 113 to ptr)", 6);
	ck_assert_count(text, "i64 56", 1);  /* r10 */
	ck_assert_count(text, "i64 88,", 0); /* cx */
	ck_assert_count(text, "i64 112", 2); /* the wrapper's first argument, and the call's */
}
END_TEST

/* Names that stand for the kernel's wrapper of the call, as any architecture may call it. */
static const char *const wrapper_programs[] = {"kprobe__sys_openat", "kprobe____x64_sys_openat",
					       "kprobe____arm64_sys_openat"};

START_TEST(arguments_at_a_wrapper_are_those_of_its_call)
{
	const char *text = arguments_of(wrapper_programs[_i]);

	ck_assert_count(text, "inttoptr (i64 113 to ptr)", 6);
	ck_assert_count(text, "i64 56", 1);
}
END_TEST

/* Such a program has no pt_regs, whatever its parameter is called. */
START_TEST(typed_programs_by_hand_are_refused)
{
	parse(HEADER "define i32 @kfunc__vfs_read(ptr %ctx, ptr %file) !dbg !108 {\n"
		     "  %r = load i32, ptr %file\n  ret i32 %r\n}\n" PT_REGS);
	after(ebcc_ir_arguments, NULL);
	ck_assert_uint_eq(errors, 1);
	ck_assert_msg(strstr(last_message, "write KFUNC_PROBE"), "%s", last_message);
}
END_TEST

START_TEST(arguments_of_two_words_take_two_registers)
{
	const char *text;

	parse(HEADER "define i32 @p(ptr %ctx, [2 x i64] %a, i32 %b) !dbg !108 {\n"
		     "  %x = extractvalue [2 x i64] %a, 1\n  %y = trunc i64 %x to i32\n"
		     "  %r = add i32 %y, %b\n  ret i32 %r\n}\n" PT_REGS);
	text = after(ebcc_ir_arguments, "p");
	ck_assert_count(text, "insertvalue", 2);
	ck_assert_count(text, "i64 112", 1);
	ck_assert_count(text, "i64 104", 1);
	ck_assert_count(text, "i64 96", 1);
}
END_TEST

START_TEST(programs_that_return_nothing_return_zero)
{
	const char *text;

	parse(HEADER "define void @p(ptr %ctx) !dbg !108 {\n  ret void\n}\n" PT_REGS);
	text = after(ebcc_ir_arguments, "p");
	ck_assert_count(text, "define i32 @p(ptr %0)", 1);
	ck_assert_count(text, "ret i32 0", 1);
}
END_TEST

/* Reads. @body is a program's, with %ctx; @v is a global. */

static const char *reads_of(const char *body, const char *debug_info)
{
	char text[8192];

	snprintf(text, sizeof(text),
		 HEADER "@v = global i64 0\n%%pair = type { i64, i64 }\n"
			"declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)\n"
			"declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)\n"
			"declare i32 @memcmp(ptr, ptr, i64)\n"
			"define i32 @p(ptr %%ctx) !dbg !108 {\n%s}\n%s",
		 body, debug_info);
	parse(text);
	return after(ebcc_ir_reads, "p");
}

#define PROBES(text) count(text, "call i64 inttoptr (i64 4 to ptr)")
#define KERNEL_POINTER "  %k = load ptr, ptr %ctx\n"
#define RETURN "  ret i32 0\n"

static const struct {
	const char *name, *body;
	unsigned probes, errors;
} reads[] = {
	{"context", "  %a = load i64, ptr %ctx\n", 0, 0},
	{"fixed place in the context",
	 "  %g = getelementptr i8, ptr %ctx, i64 8\n"
	 "  %a = load i64, ptr %g\n",
	 0, 0},
	{"element of the context",
	 "  %i = load i64, ptr %ctx\n"
	 "  %g = getelementptr i64, ptr %ctx, i64 %i\n"
	 "  %a = load i64, ptr %g\n",
	 1, 0},
	{"context or stack",
	 "  %s = alloca i64\n  %n = load i64, ptr %ctx\n"
	 "  %c = icmp eq i64 %n, 0\n"
	 "  %q = select i1 %c, ptr %s, ptr %ctx\n  %a = load i64, ptr %q\n",
	 1, 0},
	{"stack", "  %s = alloca i64\n  %a = load i64, ptr %s\n", 0, 0},
	{"global", "  %a = load i64, ptr @v\n", 0, 0},
	{"one", KERNEL_POINTER "  %a = load i64, ptr %k\n", 1, 0},
	{"chain",
	 KERNEL_POINTER "  %b = load ptr, ptr %k\n  %c = load ptr, ptr %b\n"
			"  %d = load i8, ptr %c\n",
	 3, 0},
	{"offset",
	 KERNEL_POINTER "  %g = getelementptr i8, ptr %k, i64 8\n"
			"  %d = load i48, ptr %g\n",
	 1, 0},
	{"map value",
	 "  %m = call ptr inttoptr (i64 1 to ptr)(ptr @v, ptr %ctx)\n"
	 "  %a = load i64, ptr %m\n  store i64 %a, ptr %m\n",
	 0, 0},
	{"pointer in a map",
	 "  %m = call ptr inttoptr (i64 1 to ptr)(ptr @v, ptr %ctx)\n"
	 "  %q = load ptr, ptr %m\n  %a = load i64, ptr %q\n",
	 1, 0},
	{"current task",
	 "  %t = call i64 inttoptr (i64 35 to ptr)()\n"
	 "  %q = inttoptr i64 %t to ptr\n  %a = load i64, ptr %q\n",
	 1, 0},
	{"ring buffer record",
	 "  %m = call ptr inttoptr (i64 131 to ptr)(ptr @v, i64 8, i64 0)\n"
	 "  store i64 1, ptr %m\n",
	 0, 0},
	{"select of own and kernel",
	 KERNEL_POINTER "  %s = alloca i64\n  %c = icmp eq ptr %k, null\n"
			"  %q = select i1 %c, ptr %s, ptr %k\n  %a = load i64, ptr %q\n",
	 1, 0},
	{"select of own",
	 KERNEL_POINTER "  %s = alloca i64\n  %t = alloca i64\n  %c = icmp eq ptr %k, null\n"
			"  %q = select i1 %c, ptr %s, ptr %t\n  %a = load i64, ptr %q\n",
	 0, 0},
	{"walk in a loop",
	 KERNEL_POINTER "  br label %l\nl:\n  %q = phi ptr [ %k, %0 ], [ %n, %l ]\n"
			"  %n = load ptr, ptr %q\n  %c = icmp eq ptr %n, null\n"
			"  br i1 %c, label %e, label %l\ne:\n",
	 1, 0},
	{"walk of own memory in a loop",
	 "  %s = alloca [4 x i64]\n  br label %l\nl:\n"
	 "  %q = phi ptr [ %s, %0 ], [ %n, %l ]\n  %n = getelementptr i8, ptr %q, i64 8\n"
	 "  %a = load i64, ptr %q\n  %c = icmp eq i64 %a, 0\n"
	 "  br i1 %c, label %e, label %l\ne:\n",
	 0, 0},
	{"kernel pointer enters a loop late",
	 "  %s = alloca [4 x i64]\n  br label %l\nl:\n"
	 "  %q = phi ptr [ %s, %0 ], [ %r, %l ]\n  %a = load i64, ptr %q\n"
	 "  %c = icmp eq i64 %a, 0\n  %r = load ptr, ptr %ctx\n"
	 "  br i1 %c, label %e, label %l\ne:\n",
	 1, 0},
	{"through an integer",
	 KERNEL_POINTER "  %i = ptrtoint ptr %k to i64\n  %j = and i64 %i, -16\n"
			"  %q = inttoptr i64 %j to ptr\n  %a = load i64, ptr %q\n",
	 1, 0},
	{"own, through an integer",
	 "  %s = alloca i64\n  %i = ptrtoint ptr %s to i64\n"
	 "  %j = add i64 %i, 0\n  %q = inttoptr i64 %j to ptr\n"
	 "  %a = load i64, ptr %q\n",
	 0, 0},
	{"constant address", "  %a = load i64, ptr inttoptr (i64 -2130706432 to ptr)\n", 1, 0},
	{"number from nowhere",
	 "  %r = call i64 asm \"\", \"=r\"()\n"
	 "  %q = inttoptr i64 %r to ptr\n  %a = load i64, ptr %q\n",
	 1, 0},
	{"index that is a kernel value",
	 KERNEL_POINTER "  %s = alloca [8 x i64]\n  %i = load i64, ptr %k\n"
			"  %q = getelementptr i64, ptr %s, i64 %i\n  %a = load i64, ptr %q\n",
	 1, 0},
	{"copy",
	 KERNEL_POINTER "  %s = alloca %pair\n  call void @llvm.memcpy.p0.p0.i64("
			"ptr %s, ptr %k, i64 16, i1 false)\n"
			"  %a = load i64, ptr %s\n",
	 1, 0},
	{"copy that nobody looks at",
	 KERNEL_POINTER "  %s = alloca %pair\n  call void @llvm.memcpy.p0.p0.i64("
			"ptr %s, ptr %k, i64 16, i1 false)\n",
	 0, 0},
	{"copy of own",
	 "  %s = alloca %pair\n  %t = alloca %pair\n  call void "
	 "@llvm.memcpy.p0.p0.i64(ptr %s, ptr %t, i64 16, i1 false)\n",
	 0, 0},
	{"compare",
	 KERNEL_POINTER "  %s = alloca i64\n"
			"  %a = call i32 @memcmp(ptr %k, ptr %s, i64 4)\n",
	 1, 0},
	{"compare of unknown size",
	 KERNEL_POINTER "  %s = alloca i64\n  %n = ptrtoint ptr %k to i64\n"
			"  %a = call i32 @memcmp(ptr %k, ptr %s, i64 %n)\n",
	 0, 1},
	{"128 bits", KERNEL_POINTER "  %a = load i128, ptr %k\n", 1, 0},
	{"two words", KERNEL_POINTER "  %a = load [2 x i64], ptr %k\n", 1, 0},
	{"store", KERNEL_POINTER "  store i64 1, ptr %k\n", 0, 1},
	{"store behind a read",
	 KERNEL_POINTER "  %b = load ptr, ptr %k\n"
			"  store i8 1, ptr %b\n",
	 1, 1},
	{"atomic", KERNEL_POINTER "  %a = atomicrmw add ptr %k, i64 1 seq_cst\n", 0, 1},
	{"copy into the kernel",
	 KERNEL_POINTER "  call void @llvm.memcpy.p0.p0.i64("
			"ptr %k, ptr @v, i64 8, i1 false)\n",
	 0, 1},
	{"clearing",
	 KERNEL_POINTER "  call void @llvm.memset.p0.i64("
			"ptr %k, i8 0, i64 8, i1 false)\n",
	 0, 1},
	{"store through a reloaded pointer",
	 "  %s = alloca ptr\n  %q = load ptr, ptr %s\n"
	 "  store i64 1, ptr %q\n",
	 0, 0},
	{"store to one of both",
	 KERNEL_POINTER "  %s = alloca i64\n  %c = icmp eq ptr %k, null\n"
			"  %q = select i1 %c, ptr %s, ptr %k\n  store i64 1, ptr %q\n",
	 0, 0},
};

START_TEST(reads_of_foreign_memory)
{
	char body[4096];
	const char *text;

	snprintf(body, sizeof(body), "%s" RETURN, reads[_i].body);
	text = reads_of(body, PT_REGS);
	ck_assert_msg(PROBES(text) == reads[_i].probes, "%s: %u reads, not %u:\n%s", reads[_i].name,
		      PROBES(text), reads[_i].probes, text);
	ck_assert_msg(errors == reads[_i].errors, "%s: %u errors", reads[_i].name, errors);
	if (errors && strcmp(reads[_i].name, "compare of unknown size"))
		ck_assert_ptr_nonnull(strstr(last_message, "cannot write to kernel memory"));
}
END_TEST

START_TEST(a_read_goes_through_a_slot_with_a_lifetime)
{
	const char *text =
		reads_of(KERNEL_POINTER "  %a = load i32, ptr %k\n  ret i32 %a\n", PT_REGS);

	ck_assert_count(text, "%slot = alloca i32", 1);
	ck_assert_count(text, "@llvm.lifetime.start.p0(i64 4, ptr %slot)", 1);
	ck_assert_count(text, "inttoptr (i64 4 to ptr)(ptr %slot, i32 4, ptr %k)", 1);
	ck_assert_count(text, "load i32, ptr %slot", 1);
	ck_assert_count(text, "@llvm.lifetime.end.p0(i64 4, ptr %slot)", 1);
}
END_TEST

START_TEST(a_copy_is_one_read)
{
	const char *text =
		reads_of(KERNEL_POINTER
			 "  %s = alloca %pair\n"
			 "  call void @llvm.memcpy.p0.p0.i64(ptr %s, ptr %k, i64 16, i1 false)\n"
			 "  %a = load i32, ptr %s\n  ret i32 %a\n",
			 PT_REGS);

	ck_assert_count(text, "inttoptr (i64 4 to ptr)(ptr %s, i32 16, ptr %k)", 1);
	ck_assert_count(text, "llvm.memcpy", 0);
}
END_TEST

START_TEST(typed_programs_follow_their_arguments_alone)
{
	const char *text = reads_of(
		KERNEL_POINTER "  %b = load ptr, ptr %k\n  %c = load i64, ptr %b\n"
			       "  %t = call i64 inttoptr (i64 35 to ptr)()\n"
			       "  %q = inttoptr i64 %t to ptr\n  %d = load i64, ptr %q\n" RETURN,
		TYPED);

	ck_assert_count(text, "inttoptr (i64 4 to ptr)", 0);
	ck_assert_count(text, "inttoptr (i64 113 to ptr)", 1);
}
END_TEST

START_TEST(packet_programs_are_left_alone)
{
	const char *text = reads_of(KERNEL_POINTER "  %a = load i64, ptr %k\n"
						   "  store i64 1, ptr %k\n" RETURN,
				    XDP);

	ck_assert_count(text, "inttoptr (i64", 0);
	ck_assert_uint_eq(errors, 0);
}
END_TEST

START_TEST(callbacks_read_what_they_are_given)
{
	const char *text;

	parse(HEADER "define internal i32 @cb(i32 %i, ptr %c) {\n  %k = load ptr, ptr %c\n"
		     "  %a = load i32, ptr %k\n  store i32 1, ptr %c\n  ret i32 %a\n}\n");
	text = after(ebcc_ir_reads, "cb");
	ck_assert_count(text, "inttoptr (i64 4 to ptr)", 1);
	ck_assert_uint_eq(errors, 0);
}
END_TEST

/* Time must be linear in the size: without that, a chain of phis of this length would take
 * minutes. */
START_TEST(reads_of_a_large_program)
{
	enum { BLOCKS = 5000, BLOCK_SIZE = 256 };
	size_t size = BLOCKS * BLOCK_SIZE, used;
	char *text = malloc(size);

	used = snprintf(text, size, "%s",
			HEADER "define i32 @p(ptr %ctx) !dbg !108 {\nb0:\n"
			       "  %q0 = load ptr, ptr %ctx\n  br label %b1\n");
	for (int i = 1; i < BLOCKS; i++)
		used += snprintf(text + used, size - used,
				 "b%d:\n  %%q%d = phi ptr [ %%q%d, %%b%d ], [ %%q%d, %%b%d ]\n"
				 "  %%a%d = load i1, ptr %%q%d\n"
				 "  br i1 %%a%d, label %%b%d, label %%b%d\n",
				 i, i, i - 1, i - 1, i, i, i, i, i, i, i + 1);
	snprintf(text + used, size - used, "b%d:\n" RETURN "}\n%s", BLOCKS, PT_REGS);
	parse(text);
	free(text);
	ck_assert_uint_eq(PROBES(after(ebcc_ir_reads, "p")), BLOCKS - 1);
}
END_TEST

/* Sections. */

static const struct {
	const char *function, *context, *section;
} sections[] = {
	{"kprobe__do_exit", "pt_regs", "kprobe/do_exit"},
	{"kretprobe__do_exit", "pt_regs", "kretprobe/do_exit"},
	{"tracepoint__sched__sched_switch", "tracepoint__sched__sched_switch",
	 "tracepoint/sched/sched_switch"},
	{"tracepoint__odd", "pt_regs", "kprobe"},
	{"raw_tracepoint__sys_enter", "bpf_raw_tracepoint_args", "raw_tp/sys_enter"},
	{"kfunc__vfs_read", "unsigned long long", "fentry/vfs_read"},
	{"kretfunc__vfs_read", "unsigned long long", "fexit/vfs_read"},
	{"kmod_ret__f", "unsigned long long", "fmod_ret/f"},
	{"lsm__file_open", "unsigned long long", "lsm/file_open"},
	{"bpf_iter__task", "bpf_iter__task", "iter/task"},
	{"kprobe__", "pt_regs", "kprobe"},
	{"hello", "pt_regs", "kprobe"},
	{"drop", "xdp_md", "xdp"},
	{"sample", "bpf_perf_event_data", "perf_event"},
	{"plain", "bpf_raw_tracepoint_args", "raw_tp"},
	{"ops", "bpf_sock_ops", "sockops"},
	{"filter", "__sk_buff", ".ebcc/__sk_buff/filter"},
	{"f", "unsigned long long", ".ebcc/unsigned_long_long/f"},
	{"hello", "void", ".ebcc/void/hello"},
};

START_TEST(section_names)
{
	char *section = ebcc_ir_section_name(sections[_i].function, sections[_i].context);

	ck_assert_str_eq(section, sections[_i].section);
	free(section);
	parse(HEADER); /* for teardown */
}
END_TEST

START_TEST(programs_get_sections_and_a_license)
{
	const char *text;

	parse(HEADER "define i32 @p(ptr %ctx) !dbg !108 {\n  ret i32 undef\n}\n"
		     "define internal i32 @cb(ptr %ctx) {\n  ret i32 0\n}\n"
		     "define i32 @own(ptr %ctx) section \"mine\" {\n  ret i32 0\n}\n" PT_REGS);
	text = after(ebcc_ir_sections, NULL);
	ck_assert_count(text, "@p(ptr %ctx) section \"kprobe\"", 1);
	ck_assert_count(text, "@own(ptr %ctx) section \"mine\"", 1);
	ck_assert_count(text, "section \"license\"", 1);
	ck_assert_count(text, "c\"GPL\\00\"", 1);
	ck_assert_count(text, "undef", 0);
	ck_assert_count(text, "section", 3);
}
END_TEST

START_TEST(a_license_of_the_source_stays)
{
	parse(HEADER "@_license = global [4 x i8] c\"BSD\\00\", section \"license\"\n");
	ck_assert_count(after(ebcc_ir_sections, NULL), "section \"license\"", 1);
}
END_TEST

START_TEST(an_undefined_return_becomes_zero)
{
	const char *text;

	parse(HEADER "define i32 @p(ptr %ctx, i1 %c) {\n  br i1 %c, label %a, label %b\n"
		     "a:\n  br label %b\nb:\n  %r = phi i32 [ 5, %0 ], [ undef, %a ]\n"
		     "  ret i32 %r\n}\n");
	text = after(ebcc_ir_sections, "p");
	ck_assert_count(text, "[ 0, %a ]", 1);
	ck_assert_count(text, "[ 5, %0 ]", 1);
}
END_TEST

START_TEST(constants_share_one_section)
{
	const char *text;

	parse(HEADER "@s = private unnamed_addr constant [2 x i8] c\"x\\00\"\n"
		     "@t = private unnamed_addr constant [2 x i8] c\"x\\00\", section \"mine\"\n"
		     "define ptr @p() {\n  ret ptr @s\n}\ndefine ptr @q() {\n  ret ptr @t\n}\n");
	text = after(ebcc_ir_constants, NULL);
	ck_assert_count(text, "@s = private constant", 1);
	ck_assert_count(text, "@t = private unnamed_addr constant", 1);
}
END_TEST

START_TEST(values_hold_bits)
{
	struct ebcc_ir_values values = {0};

	parse(HEADER);
	for (uintptr_t i = 1; i <= 1000; i++)
		ck_assert(ebcc_ir_values_set(&values, (LLVMValueRef)(i * 64), i));
	ck_assert(ebcc_ir_values_set(&values, (LLVMValueRef)(64 * 7), 4));
	for (uintptr_t i = 1; i <= 1000; i++)
		ck_assert_uint_eq(ebcc_ir_values_get(&values, (LLVMValueRef)(i * 64)),
				  i == 7 ? 4 : i);
	ck_assert_uint_eq(ebcc_ir_values_get(&values, (LLVMValueRef)32), 0);
	ck_assert_uint_eq(values.count, 1000);
	ebcc_ir_values_deinit(&values);
}
END_TEST

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What the passes reject: one error each, which says why. */
static const struct {
	void (*pass)(struct ebcc_ir *);
	const char *text, *message;
} mistakes[] = {
	{ebcc_ir_markers,
	 HEADER "declare void @__ebcc_increment__m(i32, ...)\n"
		"define internal void @__ebcc_add__m(i32 %k, i64 %n) {\n ret void\n}\n"
		"define i32 @p() {\n"
		"  call void (i32, ...) @__ebcc_increment__m(i32 7, i32 1, i32 2)\n"
		"  ret i32 0\n}\n",
	 "increment() takes a key"},
	{ebcc_ir_markers,
	 HEADER PRINTK "define i32 @p(ptr %f) {\n"
		       "  %r = call i32 (ptr, ...) @__ebcc_trace_printk(ptr %f)\n"
		       "  ret i32 0\n}\n",
	 "size of its format"},
	{ebcc_ir_markers,
	 HEADER PRINTK "@f = private unnamed_addr constant [3 x i8] c\"%f\\00\"\n"
		       "define i32 @p(double %d) {\n"
		       "  %r = call i32 (ptr, ...) @__ebcc_trace_printk(ptr @f, double %d)\n"
		       "  ret i32 0\n}\n",
	 "can't print value 1: only integers"},
	{ebcc_ir_error_markers,
	 HEADER "declare void @__ebcc_error__increment()\n"
		"define i32 @p() {\n  call void @__ebcc_error__increment()\n"
		"  ret i32 0\n}\n",
	 "integer"},
	{ebcc_ir_mark_inline,
	 HEADER "define internal i32 @a(i32 %n) {\n  %r = call i32 @b(i32 %n)\n ret i32 %r\n}\n"
		"define internal i32 @b(i32 %n) {\n  %r = call i32 @a(i32 %n)\n ret i32 %r\n}\n"
		"define i32 @p(ptr %ctx) {\n  %r = call i32 @a(i32 1)\n  ret i32 %r\n}\n",
	 "calls itself"},
	{ebcc_ir_arguments,
	 HEADER "define i32 @p(ptr %ctx, i64 %a, i64 %b, i64 %c, i64 %d, i64 %e, i64 %f, "
		"i64 %g) !dbg !108 {\n  %r = trunc i64 %g to i32\n  ret i32 %r\n}\n" PT_REGS,
	 "parameter 7 of 'p'"},
	{ebcc_ir_arguments,
	 HEADER "define i32 @tracepoint__a__b(ptr %ctx, i32 %a) !dbg !108 {\n"
		"  ret i32 %a\n}\n" XDP,
	 "pt_regs"},
};

START_TEST(mistakes_are_errors)
{
	parse(mistakes[_i].text);
	after(mistakes[_i].pass, NULL);
	ck_assert_uint_eq(errors, 1);
	ck_assert(ir.failed);
	ck_assert_msg(strstr(last_message, mistakes[_i].message), "%s", last_message);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ir");
	TCase *tcase = tcase_create("passes");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 30);
	tcase_add_loop_test(tcase, mistakes_are_errors, 0, sizeof(mistakes) / sizeof(*mistakes));
	tcase_add_test(tcase, table_becomes_numbers);
	tcase_add_test(tcase, variable_is_a_case_of_its_own);
	tcase_add_test(tcase, addresses_beside_numbers);
	tcase_add_test(tcase, part_of_an_address);
	tcase_add_test(tcase, copy_that_ends_in_an_address);
	tcase_add_test(tcase, table_whose_address_is_stored);
	tcase_add_test(tcase, table_or_elsewhere);
	tcase_add_test(tcase, table_of_functions);
	tcase_add_test(tcase, call_through_a_pointer);
	tcase_add_test(tcase, lookup_or_init_returns_zero_and_keeps_phis);
	tcase_add_test(tcase, lookup_or_init_twice_in_a_block_of_a_void_function);
	tcase_add_test(tcase, increment_adds_one_or_what_is_given);
	tcase_add_test(tcase, increment_passes_a_struct_as_it_was_passed);
	tcase_add_test(tcase, printk_knows_the_size_of_a_literal);
	tcase_add_test(tcase, printk_takes_the_size_that_the_helper_wants);
	tcase_add_test(tcase, printk_puts_many_values_into_an_array);
	tcase_add_test(tcase, maps_take_their_names_from_their_tables);
	tcase_add_test(tcase, calls_from_two_places_are_not_recursion);
	tcase_add_test(tcase, callbacks_stay_functions);
	tcase_add_test(tcase, helper_functions_that_lack_static_are_no_programs);
	tcase_add_test(tcase, arguments_are_registers_on_x86);
	tcase_add_test(tcase, arguments_are_registers_on_arm64);
	tcase_add_test(tcase, arguments_of_a_system_call_are_behind_its_first);
	tcase_add_loop_test(tcase, arguments_at_a_wrapper_are_those_of_its_call, 0,
			    COUNT(wrapper_programs));
	tcase_add_test(tcase, typed_programs_by_hand_are_refused);
	tcase_add_test(tcase, arguments_of_two_words_take_two_registers);
	tcase_add_test(tcase, programs_that_return_nothing_return_zero);
	tcase_add_loop_test(tcase, reads_of_foreign_memory, 0, COUNT(reads));
	tcase_add_test(tcase, a_read_goes_through_a_slot_with_a_lifetime);
	tcase_add_test(tcase, a_copy_is_one_read);
	tcase_add_test(tcase, typed_programs_follow_their_arguments_alone);
	tcase_add_test(tcase, packet_programs_are_left_alone);
	tcase_add_test(tcase, callbacks_read_what_they_are_given);
	tcase_add_test(tcase, reads_of_a_large_program);
	tcase_add_loop_test(tcase, section_names, 0, COUNT(sections));
	tcase_add_test(tcase, programs_get_sections_and_a_license);
	tcase_add_test(tcase, a_license_of_the_source_stays);
	tcase_add_test(tcase, an_undefined_return_becomes_zero);
	tcase_add_test(tcase, constants_share_one_section);
	tcase_add_test(tcase, values_hold_bits);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
