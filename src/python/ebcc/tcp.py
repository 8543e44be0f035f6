# SPDX-License-Identifier: Apache-2.0
"""Names of TCP states and header flags (net/tcp_states.h, net/tcp.h)."""

tcpstate = dict(enumerate(
    "ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT1 FIN_WAIT2 TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK "
    "LISTEN CLOSING NEW_SYN_RECV".split(), 1))

_FLAGS = "FIN SYN RST PSH ACK URG ECE CWR".split()

globals().update({"TCPHDR_" + name: 1 << bit for bit, name in enumerate(_FLAGS)})


def state2str(state):
    """The name of a TCP state, such as "ESTABLISHED"; its number as str if it has no name."""
    return tcpstate.get(state, str(state))


def flags2str(flags):
    """The names of a TCP header's flags, joined by '|', such as "SYN|ACK"."""
    return "|".join(name for bit, name in enumerate(_FLAGS) if flags & 1 << bit)
