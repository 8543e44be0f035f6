/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Included after kernel headers: lets the source use inline assembly again.
 */
#undef volatile
#undef __volatile__
#undef __volatile
#undef goto
#undef asm
#undef __asm__
#undef __asm
#undef register
