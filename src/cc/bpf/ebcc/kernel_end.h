/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comes after kernel headers: gives the source its inline assembler back.
 */
#undef volatile
#undef __volatile__
#undef __volatile
#undef goto
#undef asm
#undef __asm__
#undef __asm
#undef register
