# SPDX-License-Identifier: Apache-2.0
from ebcc.tcp import (TCPHDR_ACK as TCPHDR_ACK, TCPHDR_CWR as TCPHDR_CWR, TCPHDR_ECE as TCPHDR_ECE,
                      TCPHDR_FIN as TCPHDR_FIN, TCPHDR_PSH as TCPHDR_PSH, TCPHDR_RST as TCPHDR_RST,
                      TCPHDR_SYN as TCPHDR_SYN, TCPHDR_URG as TCPHDR_URG, flags2str as flags2str,
                      state2str as state2str, tcpstate as tcpstate)
