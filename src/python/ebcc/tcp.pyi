# SPDX-License-Identifier: Apache-2.0
tcpstate: dict[int, str]
TCPHDR_FIN: int
TCPHDR_SYN: int
TCPHDR_RST: int
TCPHDR_PSH: int
TCPHDR_ACK: int
TCPHDR_URG: int
TCPHDR_ECE: int
TCPHDR_CWR: int

def flags2str(flags: int) -> str: ...
def state2str(state: int) -> str: ...
