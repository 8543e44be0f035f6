/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes back groups of methods: maps.h includes this after it has defined them. As it is here,
 * nothing is taken back. For each source the compiler writes its own version (compiler/selection.c).
 */
