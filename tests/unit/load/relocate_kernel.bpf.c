// SPDX-License-Identifier: Apache-2.0
/* An object whose BTF has the types of relocate_kernel.h. */
#include "relocate_kernel.h"

moved_t moved;
enum state state;
enum large large;
struct same same;
struct different different;
