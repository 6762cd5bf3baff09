#!/bin/sh
#
# generate.sh - C of a .proto, which our warnings are none of the business of
#
#     generate.sh PROTOC_C OUTPUT_DIR X.proto
#
# What protoc-c writes casts const away. Messages are set up by their functions
# x__init(): clang sees the macros X__INIT as ours.
#
# SPDX-License-Identifier: Apache-2.0
set -eu
name=$2/$(basename "$3" .proto).pb-c
"$1" --c_out="$2" --proto_path="$(dirname "$3")" "$3"
sed -i '1i #pragma GCC diagnostic ignored "-Wcast-qual"' "$name.c"
sed -i '1i #pragma GCC system_header' "$name.h"
