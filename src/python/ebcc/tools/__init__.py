# SPDX-License-Identifier: Apache-2.0
"""Code that the command line tools of ebcc share: cli (arguments, output, events), places (what
patterns match), stacks (call stacks and their output formats) and pinned_sets (control groups and
mount namespaces). It is for these tools only, and changes with them.
"""
