// SPDX-License-Identifier: Apache-2.0
/*
 * A library for test_symbols.c to read: functions in both symbol tables, one with two versions,
 * one that the loader chooses (an IFUNC), and a variable.
 */
int sample_data = 42;

__attribute__((noinline, used)) static int sample_hidden(int x)
{
	return x * sample_data;
}

int sample_plain(int x)
{
	return sample_hidden(x) + 1;
}

int sample_first_version(void);
int sample_first_version(void)
{
	return 1;
}
__asm__(".symver sample_first_version, sample_versioned@SAMPLE_1");

int sample_second_version(void);
int sample_second_version(void)
{
	return 2;
}
__asm__(".symver sample_second_version, sample_versioned@@SAMPLE_2");

static int (*choose(void))(int)
{
	return sample_plain;
}
int sample_chosen(int x) __attribute__((ifunc("choose")));
