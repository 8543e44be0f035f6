# SPDX-License-Identifier: Apache-2.0
"""Names of TCP states and header flags."""

from ebcc.tcp import (TCPHDR_ACK, TCPHDR_CWR, TCPHDR_ECE, TCPHDR_FIN, TCPHDR_PSH, TCPHDR_RST,
                      TCPHDR_SYN, TCPHDR_URG, flags2str, state2str, tcpstate)

__all__ = ["TCPHDR_ACK", "TCPHDR_CWR", "TCPHDR_ECE", "TCPHDR_FIN", "TCPHDR_PSH", "TCPHDR_RST",
           "TCPHDR_SYN", "TCPHDR_URG", "flags2str", "state2str", "tcpstate"]
