# SPDX-License-Identifier: Apache-2.0
# Stages 3 and 4: the compiler library, the helper process around it, and the core's side of the pipe.
