#!/bin/sh
# test_format.sh DIR - fails with the names of Go files that gofmt would change
#
# SPDX-License-Identifier: Apache-2.0
set -eu
cd "$1"
bad=$("$(go env GOROOT)/bin/gofmt" -l .)
[ -z "$bad" ] || { echo "gofmt: $bad"; exit 1; }
