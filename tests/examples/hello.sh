#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs examples/hello.c's program beside a program of a name that nothing else has, and wants to read of it.
set -eu
hello=$1
directory=$(mktemp -d)
name=hi$$
tracer=
trap 'test -z "$tracer" || kill "$tracer" 2>/dev/null || :; rm -rf "$directory"' EXIT

cp /bin/true "$directory/$name"
"$hello" >"$directory/output" 2>"$directory/messages" &
tracer=$!

tries=0
until grep -q '^tracing' "$directory/messages"; do
	tries=$((tries + 1))
	if [ "$tries" -gt 600 ] || ! kill -0 "$tracer" 2>/dev/null; then
		cat "$directory/messages" >&2
		exit 1
	fi
	sleep 0.1
done

"$directory/$name"
"$directory/$name"
"$directory/$name"
tries=0
until [ "$(grep -c "^hello, $name (pid [0-9]*, cpu [0-9]*)\$" "$directory/output")" -eq 3 ]; do
	tries=$((tries + 1))
	if [ "$tries" -gt 100 ]; then
		echo "of three runs of $name were seen:" >&2
		cat "$directory/output" "$directory/messages" >&2
		exit 1
	fi
	sleep 0.1
done

# It ends by itself when asked to, and says so with its status.
kill -INT "$tracer"
wait "$tracer"
tracer=
