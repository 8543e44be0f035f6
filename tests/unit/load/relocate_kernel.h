/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types of a kernel to which relocate.bpf.c is relocated. The test compares with these what ends up
 * in the instructions; relocate_kernel.bpf.c makes BTF of them.
 */
#ifndef RELOCATE_KERNEL_H
#define RELOCATE_KERNEL_H

struct inner {
	int pad;
	int b;
	int a;
};

struct moved {
	char name[16];
	union {
		struct {
			int gap;
			int x;
		};
		long both;
	};
	struct inner list[6];
	struct inner in;
	unsigned f0 : 5;
	unsigned f1 : 3;
	unsigned f2 : 27;
	signed s3 : 4;
	unsigned short c;
	short d;
	struct moved *next;
	union {
		int i;
	} variant;
	int changed[2];
	int tail[];
};

enum state { IDLE = 1, NEWER = 2, BUSY = 3 };
enum large { SMALL = 1, HUGE = 0x1234567890ll };

struct same {
	int number;
	struct moved *pointer;
	int more;
};

struct different {
	long number;
};

typedef struct moved moved_t;

#endif /* RELOCATE_KERNEL_H */
