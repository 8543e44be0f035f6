// SPDX-License-Identifier: Apache-2.0
/* A table of addresses, as clang without ebcc compiles it. */
static const char *const names[] = {"zero", "one"};

__attribute__((section("raw_tp"))) int program(unsigned long long *ctx)
{
	return names[ctx[0] & 1][0];
}

char _license[] __attribute__((section("license"))) = "GPL";
