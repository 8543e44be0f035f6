# SPDX-License-Identifier: Apache-2.0
"""What the command line tools of ebcc share, for them only: cli (arguments, output, events), places
(what patterns stand for), stacks (call stacks and their forms of output) and pinned_sets (control
groups and mount namespaces). It changes with the tools.
"""
